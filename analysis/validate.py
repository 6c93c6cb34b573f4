#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/validation.md and docs/pictures/validation.png: how wrong cpsim is, row by row.

    validate.py CPSIM            simulates and predicts everything anew and writes both (matplotlib)
    validate.py CPSIM --check    compares the page with what it would be today; exit 1 when a figure
                                 is off by more than its rounding
"""
from __future__ import annotations

import csv
import pathlib
import re
import sys
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

Path = Union[str, pathlib.Path]
Row = Dict[str, Any]  # of a table, or an answer of cpsim compare

ROOT = pathlib.Path(__file__).resolve().parent.parent
VALIDATION = ROOT / "tests" / "validation"
PAGE = ROOT / "docs" / "validation.md"
PICTURE = ROOT / "docs" / "pictures" / "validation.png"
sys.path.insert(0, str(VALIDATION))

import measured  # noqa: E402
import paper  # noqa: E402

SET_TITLES = {
    "h100": "One H100",
    "second-h100": "A second H100, as a user measures it",
    "h200": "Two H200",
    "h200x4": "Experts on four H200",
    "exchange": "Exchanges of experts",
    "pplx": "Exchanges of experts by pplx-kernels",
    "engines": "Kernels of engines",
    "collectives": "Collectives on 2 to 1,024 GPUs",
}
SET_TEXTS = {
    "h100": """\
Measured on one NVIDIA H100 80GB HBM3 (700 W): [tests/validation/silicon](../tests/validation/silicon/README.md). The
constants of `platforms/gpus/h100-sxm.yaml` were fitted on the tables of GEMM, attention, memory-bound kernels and power.
Of the layers, RoPE was fitted on inference and attention's backward pass on training; the rest of a layer is predicted from
its kernels. The sustained GEMM, the optimizer and the times under the power limit are predicted.
[validation-kernels.md](validation-kernels.md) tells how the kernels are modelled and what was held out of the fits.""",
    "second-h100": """\
Measured by `analysis/measure_gpu.py --quick` on 22 November 2026: another NVIDIA H100 80GB HBM3 (700 W, driver 580.159, PyTorch
2.11), 36 s in all, after the constants were fitted. Nothing here was fitted. Its layers run their memory-bound kernels one by one
(`tests/validation/second_h100`), which the stack of the tables above does not.""",
    "h200": """\
Measured on two NVIDIA H200 of one host. `platforms/gpus/h200-sxm.yaml` is the H100's file with the data sheet's memory:
kernels, layers and ring attention are predicted, nothing was fitted. Of the collectives, launch costs under PyTorch were
fitted on a part of the rows; the constants of overlap were fitted on the overlap table, from measured times alone, while
here the times alone are predicted too.""",
    "h200x4": """\
Blocks of experts (router, exchange, two grouped products, weighted sum) on four H200 of one host in CUDA graphs: experts whole on ranks with
two all-to-alls, or cut with an all-reduce. Two constants of `platforms/software/pytorch-experts.yaml` were fitted on them (the small
kernels' time, and the slow weighted sum); products and exchanges are predicted.""",
    "exchange": """\
DeepEP's kernels on one and four nodes of 8 H100, every ninth row of the table that the constants of `platforms/exchanges/deepep.yaml`
were fitted on (`tests/validation/exchange`). Links, rows and destinations are counted; what was fitted is latencies and the kernels' own
work.""",
    "pplx": """\
Perplexity's own benchmark, all ten rows of which the constants of `platforms/exchanges/pplx.yaml` were fitted on, 1 and 128 tokens a GPU on
one to sixteen nodes of 8 H100 (`tests/validation/exchange_pplx`): nothing is held out.""",
    "engines": """\
Attention and fused experts of vLLM, SGLang and TensorRT-LLM as `platforms/kernels/` has them, on every 25th and every 31st row
of the tables that its constants were fitted on (`tests/validation/engines`, each row with its source); latent, sparse,
compressed and linear attention and hyper-connections on a few rows of each kernel. How they are modelled, and what is
missed: [validation-kernels.md](validation-kernels.md).""",
    "collectives": """\
Other people's measurements and our own, each row with its source in `tests/validation/collectives.csv`, which also says
which rows constants were fitted on; the others were held out.""",
}
MISSED = """\
## What is missed, and why

- **Table 8, four sequences of 32K on TP8** (paper: 60.1 us for attention). They read the same bytes as one sequence of 128K,
  for which the paper prints 38.9 us; the model says the same for both. Two sequences of 16K take 13.9 us there, so it is not
  the number of splits either.
- **Table 8, CP4 with four sequences**: the paper's parts add up to 218.4 us, its total says 180.6. The simulated total is
  the sum of the parts.
- **128K** is printed for 128,000, 130,048 and 131,072 tokens in different tables; each row has the length its table means.
- **Tables 6 and 7 print two TPOTs for one setting** (CP2, 128K: 66.63 and 60.23 ms); either may be met.
- **Ring attention on two H200** comes out short of what was measured: what the measuring program adds (a rank's two chunks
  as separate calls, masks, float32 merges by separate kernels) is not modelled.
- **The optimizer**: PyTorch's fused AdamW reaches 53 to 78 % of the memory's rate, the less the fewer parameters; it is
  modelled as a copy.
- **Kernels under 1 MB**: a SwiGLU of one row is two launches where one is modelled; a row's reduction is a line through
  few points.
- **A copy of 1 GiB** runs slower than one of 256 MiB; one rate is used, so its power comes out high.
"""


# --- the paper ---


def fitted_constant(row: Row) -> Optional[str]:
    """The constant that was fitted on this row of the paper; None: the row is predicted."""
    table, metric = row["table"], row["metric"]
    if table == "Table 5" and metric == "attention_per_hop":
        return "attention_efficiency"
    if table == "Table 5" or (table == "Table 8" and metric in ("decode_sendrecv", "decode_all_to_all")):
        return "launch, connection_rate"
    if table == "Table 6" and metric == "ttft" and row["cp"] == "1" and int(row["new_tokens"]) <= 32768:
        return "matmul_efficiency"
    if table == "Table 4" and int(row["new_tokens"]) <= 3200:
        return "cached_prefill"
    if metric == "ttft" and row["cp"] in ("8", "16") and row["new_tokens"] == "131072":
        return "ring_step"
    if metric == "tpot" and table in ("Table 6", "Table 7"):
        return "decode_layer, decode_ring, fabric_latency"
    return None


def value(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:.0f}"


def percent(fraction: float, sign: bool = False) -> str:
    return f"{100 * fraction:+.1f} %" if sign else f"{100 * fraction:.1f} %"


def paper_section(rows: List[Row], cpsim: str) -> List[str]:
    lines = [
        "## The context-parallelism paper",
        "",
        "\"Context Parallelism for Scalable Million-Token Inference\" (arXiv 2411.01783): Llama 3 405B on up to 128 H100. Each row",
        "is simulated by the shipped files alone; layout, lengths, batch and ring change from row to row",
        "(`tests/validation/paper.py`). A constant belongs to the GPU, the cluster or the software stack; the last column says",
        "which was fitted on the row, and everything else is predicted.",
        "",
        "| what | reached | bound |",
        "| --- | --: | --: |",
    ]
    for what, figure, bound in paper.bounds(rows, cpsim):
        lines.append(f"| {what} | {paper.show(figure)} | {paper.show(bound)} |")
    lines += [
        "",
        "| table | TP | CP | ring | sequences | new | cached | what | measured | simulated | error | fitted on it |",
        "| --- | --: | --: | --- | --: | --: | --: | --- | --: | --: | --: | --- |",
    ]
    for row in rows:
        unit = row["unit"]
        lines.append(
            f"| {row['table']} | {row['tp']} | {row['cp']} | {row['ring']} | {row['sequences']} "
            f"| {row['new_tokens']} | {row['cached_tokens']} | {row['metric']} "
            f"| {value(row['measured'])} {unit} | {value(row['simulated'])} {unit} "
            f"| {percent(row['error'], True)} | {fitted_constant(row) or 'predicted'} |"
        )
    return lines


# --- measured tables ---


def bound_text(bounds: List[Row], name: str, group: str) -> str:
    kept = [b for b in bounds if b["set"] == name and b["class"] == group and b["bound"] is not None]
    return ", ".join(f"{b['statistic']} {b['bound']:g} %" for b in kept)


def set_section(name: str, result: Row, bounds: List[Row]) -> List[str]:
    lines = [f"## {SET_TITLES[name]}", "", *SET_TEXTS[name].split("\n"), ""]
    lines += [
        "| class | rows | median | p90 | worst | bias | extrapolated | bound |",
        "| --- | --: | --: | --: | --: | --: | --: | --- |",
    ]
    for group in result["classes"]:
        lines.append(
            f"| {group['class']} | {group['count']} | {percent(group['median'])} | {percent(group['p90'])} "
            f"| {percent(group['worst'])} | {percent(group['bias'], True)} "
            f"| {group['extrapolated'] or ''} | {bound_text(bounds, name, group['class'])} |"
        )
    worst = sorted((r for r in result["rows"] if r["counts"]), key=lambda r: -abs(r["error"]))[:5]
    lines += ["", "The five rows that are furthest off:", ""]
    for row in worst:
        place = f"{pathlib.Path(row['file']).name}:{row['line']}"
        lines.append(
            f"- {place}, {row['class']}: {row['column']} {value(row['measured'])} measured, "
            f"{value(row['predicted'])} predicted, {percent(row['error'], True)}"
        )
    return lines


def median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def held_out_lines(result: Row) -> List[str]:
    """Errors of collectives that were, and weren't, fitted on, by the table's own classes."""
    with open(VALIDATION / "collectives.csv", newline="", encoding="utf-8") as stream:
        text = stream.read().split("\n")
    header = next(line for line in text if not line.startswith("#")).split(",")
    groups: Dict[Tuple[str, str], List[float]] = {}
    for row in result["rows"]:
        fields = dict(zip(header, next(csv.reader([text[row["line"] - 1]]))))
        groups.setdefault((fields["class"], fields["use"]), []).append(abs(row["error"]))
    lines = ["", "| kind of collective | rows of the fit, median | held out, median |", "| --- | --: | --: |"]
    for name in dict.fromkeys(key[0] for key in groups):
        cells = []
        for use in ("fitted", "held-out"):
            errors = groups.get((name, use), [])
            cells.append(f"{percent(median(errors))} of {len(errors)}" if errors else "")
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return lines


def page_text(rows: List[Row], results: Dict[str, Row], cpsim: str) -> str:
    bounds = measured.load_bounds()
    lines = [
        "# Validation",
        "",
        "How wrong `cpsim` is. Made by `analysis/validate.py build/release/cpsim`; a test compares the page with what the program",
        "says today. Every error is predicted / measured - 1; median, p90 and worst are of its absolute value, bias is the median",
        "with its sign. *Extrapolated* rows lie outside the shapes that the constants were fitted on.",
        "",
        "`tests/validation/bounds.csv` holds the bound of each class beside the figure reached. A bound that is kept must stay kept;",
        "where one is missed, or none is set, the test fails when the figure gets worse by more than a tenth of itself.",
        "",
        "Check your own machine: `analysis/measure_gpu.py --quick -o measured` on its GPUs, then",
        "`cpsim compare measured/*.csv --gpu h100-sxm --cluster dgx-h100`.",
        "",
        "Number formats have a page of their own, [validation-precision.md](validation-precision.md): laws of quality, FP8-LM's",
        "table, fp8 inference, kernels of narrow formats.",
        "",
        "![Errors by class](pictures/validation.png)",
        "",
    ]
    lines += paper_section(rows, cpsim)
    for name, result in results.items():
        lines += ["", *set_section(name, result, bounds)]
        if name == "collectives":
            lines += held_out_lines(result)
    lines += ["", *MISSED.rstrip().split("\n")]
    return "\n".join(lines) + "\n"


# --- the picture ---

WIDEST = 40.0  # %: lines that go on have an arrow and their value


def draw(results: Dict[str, Row], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = [(SET_TITLES[n], g) for n, r in results.items() for g in r["classes"]]
    figure, axes = pyplot.subplots(figsize=(8.5, 0.24 * len(groups) + 1.4))
    # Told apart in grey by their hatches; the order on the page is the legend's.
    pyplot.rcParams["hatch.linewidth"] = 0.5
    shades = (
        ("#1b4f8a", ""),
        ("#bcd4ea", ""),
        ("#7fbf9a", "//"),
        ("#d9c27a", ".."),
        ("#e0a090", "xx"),
        ("#b8a9d0", "--"),
        ("#9aa0a6", "++"),
        ("#f2f2f2", "oo"),
    )
    assert len(shades) == len(SET_TITLES)
    styles = {
        title: {"facecolor": shade, "hatch": hatch, "edgecolor": "#000000", "linewidth": 0.4}
        for title, (shade, hatch) in zip(SET_TITLES.values(), shades)
    }
    for i, (title, group) in enumerate(groups):
        axes.barh(i, 100 * group["median"], height=0.7, **styles[title])
        axes.plot([100 * group["median"], min(100 * group["p90"], WIDEST)], [i, i], color="#444444", lw=1)
        if 100 * group["p90"] <= WIDEST:
            axes.plot(100 * group["p90"], i, "|", color="#444444", ms=7)
        else:  # cut, and says so
            axes.plot(WIDEST, i, ">", color="#444444", ms=5, clip_on=False)
            axes.annotate(f"{100 * group['p90']:.0f} %", (WIDEST, i), (5, 0), textcoords="offset points", va="center", fontsize=7, annotation_clip=False)
    axes.set_yticks(range(len(groups)), [f"{g['class']} ({g['count']})" for _, g in groups], fontsize=7)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, WIDEST)
    axes.set_xlabel("absolute error, % (bar: median, line: 90th percentile; rows in brackets)", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    handles = [pyplot.Rectangle((0, 0), 1, 1, **style) for style in styles.values()]
    axes.legend(handles, styles.keys(), fontsize=8, loc="center right")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})


# --- is the page of today? ---

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def same(old: str, new: str) -> bool:
    """Whether two lines are alike but for the last digit of their figures."""
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    for a, b in zip(NUMBER.findall(old), NUMBER.findall(new)):
        unit = 10.0 ** -len(a.partition(".")[2])
        if abs(float(a) - float(b)) > 1.01 * unit:
            return False
    return True


def is_stale(old: str, new: str) -> bool:
    old_lines, new_lines = old.split("\n"), new.split("\n")
    for i, (a, b) in enumerate(zip(old_lines, new_lines), 1):
        if not same(a, b):
            print(f"docs/validation.md:{i}: is    {a}\n{' ' * 22}should be {b}")
            return True
    if len(old_lines) != len(new_lines):
        print(f"docs/validation.md has {len(old_lines)} lines, should have {len(new_lines)}")
        return True
    return False


def main(arguments: List[str]) -> int:
    if not arguments or arguments[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    rows = paper.load(arguments[0])
    results = measured.compare_all(arguments[0])
    text = page_text(rows, results, arguments[0])
    if arguments[1:] == ["--check"]:
        if is_stale(PAGE.read_text(encoding="utf-8"), text):
            print(f"docs/validation.md is out of date: {pathlib.Path(__file__).name} CPSIM writes it")
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    draw(results, PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
