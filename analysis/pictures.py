# SPDX-License-Identifier: MIT
"""Draws the pictures of README.md from the shipped scenarios and the paper's measured points.

    python3 analysis/pictures.py build/release/cpsim [FOLDER]      (default: docs/pictures)

Needs matplotlib, pandas and h5py. Each picture is simulated anew; nothing is kept between runs.
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import matplotlib

matplotlib.use("Agg")
from matplotlib import patches, pyplot  # noqa: E402

import cpsim_trace  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PAPER = SOURCE / "tests/validation/context_parallel_paper.csv"
PAPER_NAME = "arXiv 2411.01783"

# Dark to light, so that the order survives in grey; every curve has its own dashes and marker too.
SHADES = ["#000000", "#1b4f8a", "#b5432a", "#2e8b57", "#b8860b"]
DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
MARKERS = ["o", "s", "^", "D", "v"]

pyplot.rcParams.update(
    {
        "font.size": 9,
        "axes.grid": True,
        "grid.color": "#dddddd",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": 110,
        "legend.frameon": False,
    }
)


def run(cpsim, scenario, *arguments, **values):
    """The JSON of a run; None when the input was refused (the model does not fit)."""
    command = [cpsim, str(SOURCE / "scenarios" / scenario), "--json", *arguments]
    for key, value in values.items():
        command += ["--set", f"{key.replace('__', '.')}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SOURCE)
    if done.returncode == 2 and "memory" in done.stderr:
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def measured(*tables):
    with open(PAPER, newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["table"] in tables and row["metric"] == "ttft"]


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / name, metadata={"Software": None})
    pyplot.close(figure)
    print(folder / name)


# --- TTFT against context length ---


def scaling_curve(cpsim, nodes, lengths):
    points = []
    for tokens in lengths:
        result = run(
            cpsim,
            "how-many-nodes.yaml",
            layout__context=nodes,
            **{"workload.turns.0.prompt": f"{tokens} tokens", "workload.turns.0.output": "0 tokens"},
        )
        if result is not None:
            points.append((tokens, result["phases"][0]["ttft_seconds"]))
    return points


def draw_scaling(cpsim, folder):
    lengths = [8192 * 2**i for i in range(7)] + [1000000]
    figure, axes = pyplot.subplots(figsize=(6.4, 4.2))
    rows = [row for row in measured("Table 6", "Table 7", "Text") if row["tp"] == "8"]
    for nodes, shade, dashes, marker in zip([1, 2, 4, 8, 16], SHADES, DASHES, MARKERS):
        points = scaling_curve(cpsim, nodes, lengths)
        axes.plot(*zip(*points), color=shade, linestyle=dashes, label=f"CP{nodes}, {8 * nodes} GPUs")
        own = [(int(r["new_tokens"]), float(r["measured"]) / 1e3) for r in rows if r["cp"] == str(nodes)]
        axes.plot(*zip(*own), color=shade, linestyle="none", marker=marker, markersize=6, mfc="white")
    axes.plot([], [], color="black", linestyle="none", marker="o", mfc="white", label=f"measured, {PAPER_NAME}")
    axes.set(xscale="log", yscale="log", xlabel="prompt, tokens", ylabel="TTFT, s")
    axes.set_xticks(lengths, ["8K", "16K", "32K", "64K", "128K", "256K", "512K", "1M"], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set_title("Llama 3 405B, 8 H100 a node, pass-KV; a curve ends where the prompt no longer fits the memory", fontsize=9, loc="left")
    axes.legend(fontsize=8)
    save(figure, folder, "ttft.png")


# --- pass-KV against pass-Q ---


def ratios(rows, value):
    """{miss rate: TTFT of pass-KV / TTFT of pass-Q}"""
    times = {}
    for row in rows:
        new, cached = int(row["new_tokens"]), int(row["cached_tokens"])
        times.setdefault(new / (new + cached), {})[row["ring"]] = value(row)
    return {rate: pair["pass-kv"] / pair["pass-q"] for rate, pair in sorted(times.items())}


def draw_rings(cpsim, folder):
    def simulate(row):
        result = run(
            cpsim,
            "follow-up-prompt.yaml",
            attention__ring=row["ring"],
            workload__cached=f"{row['cached_tokens']} tokens",
            **{"workload.turns.0.prompt": f"{row['new_tokens']} tokens"},
        )
        return result["phases"][0]["ttft_seconds"]

    rows = measured("Table 4")
    paper, simulated = ratios(rows, lambda row: float(row["measured"])), ratios(rows, simulate)
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    axes.axhline(1, color="#888888", linewidth=1)
    axes.plot([100 * r for r in simulated], list(simulated.values()), color=SHADES[1], label="simulated")
    axes.plot(
        [100 * r for r in paper],
        list(paper.values()),
        color="black",
        linestyle="none",
        marker="o",
        mfc="white",
        label=f"measured, {PAPER_NAME}, table 4",
    )
    axes.set(
        xscale="log",
        xlabel="KV cache miss rate T / (T + P), % of 128,000 tokens",
        ylabel="TTFT of pass-KV / TTFT of pass-Q",
    )
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    axes.set_xticks([], minor=True)
    axes.text(7.0, 1.004, "pass-Q is faster above the line, pass-KV below", fontsize=8, color="#444444")
    axes.set_title("Llama 3 405B on 4 nodes, TP8 x CP4", fontsize=9, loc="left")
    axes.legend(fontsize=8, loc="upper right")
    save(figure, folder, "pass-kv-pass-q.png")


# --- where the time of a layer goes ---

KINDS = {  # shade, hatch, what the legend says
    "gemm": ("#1b4f8a", "", "matrix products"),
    "attention": ("#d98c3f", "//", "attention"),
    "memory": ("#bcd4ea", "", "norms, activations, copies"),
    "host": ("#ffffff", "", "waits for its host"),
    "collective": ("#5a5a5a", "\\\\", "communication"),
}
LANES = {"compute": 1, "communication": 0}


def layer_of_trace(cpsim, scenario):
    """One layer of the first prefill, rank 0: rows of /operators, start in ms from the layer's."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "run.h5"
        phase = run(cpsim, scenario, "-o", str(path))["phases"][0]
        operators = cpsim_trace.load(path, tables=["operators"])["operators"]
    rows = operators[(operators["phase"] == 0) & (operators["rank"] == 0) & (operators["segment"] == "layers")]
    rows = rows[rows["layer"] == rows["layer"].min()]
    return phase, rows.assign(start=1e3 * (rows["start"] - rows["start"].min()), duration=1e3 * rows["duration"])


def draw_layer(axes, rows):
    for row in rows.itertuples():
        shade, hatch, _ = KINDS[row.kind]
        axes.broken_barh(
            [(row.start, row.duration)],
            (LANES[row.stream] + 0.1, 0.8),
            facecolor=shade,
            hatch=hatch,
            edgecolor="black",
            linewidth=0.4,
        )
    axes.set_yticks([0.5, 1.5], ["communication", "compute"])
    axes.set_ylim(0, 2)
    axes.set_xlim(0, float((rows["start"] + rows["duration"]).max()))
    axes.grid(axis="y", visible=False)


def draw_timeline(cpsim, folder):
    figure, panels = pyplot.subplots(2, 1, figsize=(7.2, 3.9))
    for axes, scenario in zip(panels, ["how-many-nodes.yaml", "follow-up-prompt.yaml"]):
        phase, rows = layer_of_trace(cpsim, scenario)
        draw_layer(axes, rows)
        axes.set_title(
            f"{scenario}: {phase['new_tokens']:,} new tokens on {phase['cached_tokens']:,} cached, {phase['ring']}",
            fontsize=9,
            loc="left",
        )
    panels[-1].set_xlabel("time since the start of the layer, ms")
    figure.legend(
        handles=[
            patches.Patch(facecolor=shade, hatch=hatch, edgecolor="black", linewidth=0.4, label=label)
            for shade, hatch, label in KINDS.values()
        ],
        loc="lower center",
        ncol=5,
        fontsize=7.5,
    )
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(folder / "layer.png", metadata={"Software": None})
    pyplot.close(figure)
    print(folder / "layer.png")


def main(arguments):
    if len(arguments) not in (1, 2):
        print("usage: pictures.py CPSIM [FOLDER]", file=sys.stderr)
        return 2
    cpsim = str(pathlib.Path(arguments[0]).resolve())
    folder = pathlib.Path(arguments[1]) if len(arguments) == 2 else SOURCE / "docs/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    draw_scaling(cpsim, folder)
    draw_rings(cpsim, folder)
    draw_timeline(cpsim, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
