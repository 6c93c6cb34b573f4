# SPDX-License-Identifier: MIT
"""Figures 6 to 9 of the context-parallelism paper (arXiv 2411.01783), simulated beside what it
printed; README's curves are two of them. Each point is a run of cpsim."""
from __future__ import annotations

import csv
import json
import pathlib
import subprocess
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import look

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PAPER = SOURCE / "tests/validation/context_parallel_paper.csv"
PAPER_NAME = "arXiv 2411.01783"
LENGTHS = [8192 * 2**i for i in range(7)] + [1000000]
LABELS = ["8K", "16K", "32K", "64K", "128K", "256K", "512K", "1M"]


def run(cpsim: str, scenario_file: str, *arguments: str, **values: Any) -> Any:
    """The JSON of a run; None when the input was refused (the model does not fit)."""
    command = [cpsim, str(SOURCE / "scenarios" / scenario_file), "--json", *arguments]
    for key, value in values.items():
        command += ["--set", f"{key.replace('__', '.')}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SOURCE)
    if done.returncode == 2 and "memory" in done.stderr:
        return None
    if done.returncode != 0:
        raise ValueError(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def measured(*tables: str) -> List[Dict[str, str]]:
    with open(PAPER, newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["table"] in tables and row["metric"] == "ttft"]


def ttft(cpsim: str, scenario_file: str, tokens: int, **values: Any) -> Optional[float]:
    result = run(
        cpsim, scenario_file, **values,
        **{"workload.turns.0.prompt": f"{tokens} tokens", "workload.turns.0.output": "0 tokens"},
    )  # fmt: skip
    return None if result is None else float(result["phases"][0]["ttft_seconds"])


def curve(cpsim: str, scenario_file: str, nodes: int, lengths: Sequence[int]) -> List[Tuple[int, float]]:
    """[(tokens, TTFT)] as far as the prompt fits the memory."""
    points = [(tokens, ttft(cpsim, scenario_file, tokens, layout__context=nodes)) for tokens in lengths]
    return [(tokens, seconds) for tokens, seconds in points if seconds is not None]


def prompt_axis(axes: Axes, lengths: Sequence[int] = LENGTHS) -> None:
    axes.set(xscale="log", yscale="log", xlabel="prompt, tokens", ylabel="TTFT, s")
    axes.set_xticks(lengths, [LABELS[LENGTHS.index(tokens)] for tokens in lengths], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])


def measured_key(axes: Axes) -> None:
    axes.plot([], [], color="#000000", linestyle="none", marker="o", mfc="#ffffff", label=f"measured, {PAPER_NAME}")
    axes.legend()


def draw_ttft(cpsim: str, scenario_file: str = "how-many-nodes.yaml", counts: Sequence[int] = (1, 2, 4, 8, 16), lengths: Sequence[int] = LENGTHS) -> Figure:
    """Figures 6a and 8; for the TCP cluster Figure 6b, of which no value is printed."""
    figure, axes = look.figure(6.4, 4.2)
    rows = [row for row in measured("Table 6", "Table 7", "Text") if row["tp"] == "8"]
    over_tcp = scenario_file == "without-rdma.yaml"
    for nodes, shade, dashes, marker in zip(counts, look.SHADES, look.DASHES, look.MARKERS):
        points = curve(cpsim, scenario_file, nodes, lengths)
        axes.plot(*zip(*points), color=shade, linestyle=dashes, label=f"CP{nodes}, {8 * nodes} GPUs")
        own = [
            (int(r["new_tokens"]), float(r["measured"]) / 1e3)
            for r in rows
            if r["cp"] == str(nodes) and not over_tcp and int(r["new_tokens"]) >= lengths[0]
        ]
        axes.plot(*(zip(*own) if own else ([], [])), color=shade, linestyle="none", marker=marker, markersize=6, mfc="#ffffff")
    prompt_axis(axes, lengths)
    network = "TCP between nodes; the paper prints no value" if over_tcp else "a curve ends where memory does"
    axes.set_title(f"Llama 3 405B, 8 H100 a node, pass-KV; {network}")
    if over_tcp:
        axes.legend()
    else:
        measured_key(axes)
    return figure


def draw_ratio(cpsim: str, counts: Sequence[int] = (1, 2, 4, 8), tokens: int = 131072) -> Figure:
    """Figure 7: TTFT of one node over that of N, context against tensor parallelism."""
    figure, axes = look.figure(6.4, 4.2)

    def seconds(scenario_file: str, **values: Any) -> float:
        found = ttft(cpsim, scenario_file, tokens, **values)
        return float("nan") if found is None else found

    one = seconds("how-many-nodes.yaml", layout__context=1)
    context = [one / seconds("how-many-nodes.yaml", layout__context=n) for n in counts]
    tensor = [
        one / seconds("tensor-parallel-over-nodes.yaml", cluster__nodes=max(n, 1), layout__tensor=8 * n)
        for n in counts
    ]
    axes.plot(counts, counts, color="#888888", linewidth=1, label="perfect")
    axes.plot(counts, context, color=look.SHADES[1], linestyle="-", label="context parallel, TP8 x CPn")
    axes.plot(counts, tensor, color=look.SHADES[2], linestyle="--", label="tensor parallel, TP8n")
    rows = [row for row in measured("Table 6", "Table 7", "Text") if row["new_tokens"] == str(tokens)]
    base = next(float(row["measured"]) for row in rows if row["tp"] == "8" and row["cp"] == "1")
    for shade, marker, own in (
        (look.SHADES[1], "o", [(int(r["cp"]), r) for r in rows if r["tp"] == "8" and int(r["cp"]) <= counts[-1]]),
        (look.SHADES[2], "s", [(int(r["tp"]) // 8, r) for r in rows if int(r["tp"]) > 8]),
    ):
        points = [(nodes, base / float(row["measured"])) for nodes, row in own]
        axes.plot(*zip(*points), color=shade, linestyle="none", marker=marker, mfc="#ffffff")
    axes.set(xlabel="nodes of 8 H100", ylabel="TTFT on one node / TTFT", xticks=counts, ylim=(0, None))
    axes.set_title("Llama 3 405B, a prompt of 128K tokens")
    measured_key(axes)
    return figure


def ratios(rows: Iterable[Dict[str, str]], value: Callable[[Dict[str, str]], float]) -> Dict[float, float]:
    """{miss rate: TTFT of pass-KV / TTFT of pass-Q}"""
    times: Dict[float, Dict[str, float]] = {}
    for row in rows:
        new, cached = int(row["new_tokens"]), int(row["cached_tokens"])
        times.setdefault(new / (new + cached), {})[row["ring"]] = value(row)
    return {rate: pair["pass-kv"] / pair["pass-q"] for rate, pair in sorted(times.items())}


def draw_rings(cpsim: str) -> Figure:
    """Figure 9."""

    def simulate(row: Dict[str, str]) -> float:
        result = run(
            cpsim,
            "follow-up-prompt.yaml",
            attention__ring=row["ring"],
            workload__cached=f"{row['cached_tokens']} tokens",
            **{"workload.turns.0.prompt": f"{row['new_tokens']} tokens"},
        )
        return float(result["phases"][0]["ttft_seconds"])

    rows = measured("Table 4")
    paper, simulated = ratios(rows, lambda row: float(row["measured"])), ratios(rows, simulate)
    figure, axes = look.figure(6.4, 3.6)
    axes.axhline(1, color="#888888", linewidth=1)
    axes.plot([100 * r for r in simulated], list(simulated.values()), color=look.SHADES[1], label="simulated")
    axes.plot(
        [100 * r for r in paper],
        list(paper.values()),
        color="#000000",
        linestyle="none",
        marker="o",
        mfc="#ffffff",
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
    axes.set_title("Llama 3 405B on 4 nodes, TP8 x CP4")
    axes.legend(loc="upper right")
    return figure


FIGURES: Dict[str, Callable[[str], Figure]] = {
    "figure-6a": lambda cpsim: draw_ttft(cpsim, counts=(1, 2, 4, 8), lengths=LENGTHS[:5]),
    "figure-6b": lambda cpsim: draw_ttft(cpsim, "without-rdma.yaml", (1, 2, 4), LENGTHS[:5]),
    "figure-7": draw_ratio,
    "figure-8": lambda cpsim: draw_ttft(cpsim, counts=(8, 16), lengths=LENGTHS[4:]),
    "figure-9": draw_rings,
}


def draw_all(cpsim: str, folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Draws each into the folder; yields the paths."""
    cpsim = str(pathlib.Path(cpsim).resolve())
    for name, draw in FIGURES.items():
        path = folder / f"{name}.svg"
        look.save(draw(cpsim), path)
        yield path
