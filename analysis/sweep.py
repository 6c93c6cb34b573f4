# SPDX-License-Identifier: MIT
"""Pictures of a sweep (sweep.h5): what each parameter does, heat maps of two, the Pareto front of two
metrics. A figure is drawn of the points that are done; replications are averaged."""
from __future__ import annotations

import itertools
import json
import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
import pandas
from matplotlib import colors, patches
from matplotlib.figure import Figure

from . import look, scenario
from .cpsim_trace import Trace

RESULT_START, RESULT_END = "replication", "run_seed"  # the parameters' columns lie between


def is_sweep(trace: Trace) -> bool:
    return "cpsim_sweep_format" in trace.attributes


def parameters(trace: Trace) -> List[str]:
    """Keys that the sweep varied and that took more than one value."""
    columns = list(trace["points"].columns)
    varied = columns[columns.index(RESULT_START) + 1 : columns.index(RESULT_END)]
    return [key for key in varied if trace["points"][key].nunique() > 1]


def independent(trace: Trace) -> List[str]:
    """Parameters but for those that go hand in hand with an earlier one (a sweep's `zip`)."""
    points = trace["points"]
    kept: List[str] = []
    for key in parameters(trace):
        tied = (other for other in kept if points.groupby(other)[key].nunique().max() == 1)
        if not any(points.groupby(key)[other].nunique().max() == 1 for other in tied):
            kept.append(key)
    return kept


def metrics(trace: Trace) -> List[str]:
    points = trace["points"]
    after = list(points.columns)[list(points.columns).index("error") + 1 :]
    return [name for name in after if pandas.api.types.is_float_dtype(points[name]) and points[name].notna().any()]


def done(trace: Trace) -> pandas.DataFrame:
    """Points that are done, replications averaged."""
    points = trace["points"]
    points = points[points["status"] == "done"]
    keys = parameters(trace)
    return points.groupby(keys, sort=True, as_index=False)[metrics(trace)].mean() if keys and len(points) else points


def more_is_better(metric: str) -> bool:
    return any(word in metric for word in ("per_second", "mfu", "goodput", "share", "sustained"))


def first_metric(trace: Trace) -> Optional[str]:
    """What one asks first of such a run: the sweep's first metric."""
    return metrics(trace)[0] if metrics(trace) else None


NAMES = {  # of metrics, where the key without its unit says too little
    "ttft_seconds": "TTFT", "tpot_seconds": "TPOT", "seconds": "run", "step_seconds": "step", "joules": "energy",
    "mfu": "MFU", "peak_memory_bytes_per_gpu": "memory of a GPU", "nvlink_bytes": "bytes over NVLink",
    "network_bytes": "bytes between nodes", "run_gpu_hours": "GPU-hours of the run", "run_seconds": "the whole run",
}  # fmt: skip


ACRONYMS = {"gpu": "GPU", "gpus": "GPUs"}  # that are not all capitals


def name_of(trace: Trace, name: str) -> str:
    """A metric as people say it; a parameter stays the key that they wrote."""
    if name in NAMES or name not in metrics(trace):
        return NAMES.get(name, name)
    words = name.replace("_per_second", "/s").replace("_per_gpu", " a GPU")
    for unit in ("_seconds", "_bytes", "_joules"):
        words = words.removesuffix(unit)
    return re.sub(r"\b(ttft|tpot|itl|e2e|slo|mfu|kv|gpus?)\b", lambda word: ACRONYMS.get(word[0], word[0].upper()), words.replace("_", " "))


def label(trace: Trace, name: str) -> str:
    unit = trace.units["points"].get(name, "1")
    return name_of(trace, name) if unit in ("1", "1/s") else f"{name_of(trace, name)}, {unit}"


def value_text(trace: Trace, name: str, value: float) -> str:
    """A metric's value with its unit's prefix, for a table."""
    if value != value:
        return "-"
    unit = trace.units["points"].get(name, "1")
    if unit in ("s", "B", "J", "W"):
        return look.quantity(value, unit)
    return f"{value:.3g}" if abs(value) < 1e3 else f"{value:,.0f}"


def short(value: Any) -> str:
    if isinstance(value, (int, float, numpy.number)):
        return f"{value:g}" if value < 1e3 else f"{value:,.0f}"
    return str(value)


# Ranks of a layout as people count them: TP8.
RANKS = {"layout.tensor": "TP", "layout.context": "CP", "layout.pipeline": "PP", "layout.data": "DP", "layout.expert": "EP"}


def point_name(keys: Sequence[str], row: Dict[str, Any]) -> str:
    """A point beside its mark: TP8 DP4, precision fp8-tensor."""
    ranks = " ".join(f"{RANKS[key]}{short(row[key])}" for key in keys if key in RANKS)
    others = [f"{key.rsplit('.', 1)[-1]} {short(row[key])}" for key in keys if key not in RANKS]
    return ", ".join([ranks, *others] if ranks else others)


def axis_text(said: str, key: str) -> str:
    """What a sweep file, YAML or JSON, says behind a key: up to where its brackets close, or the lines that are deeper than its own."""
    found = re.search(rf"""^([ ]*)(?:.*[{{,\s])?["']?{re.escape(key)}["']?\s*:[ ]*""", said, re.MULTILINE)
    if found is None:
        return ""
    rest, depth = said[found.end() :], 0
    if rest[:1] in ("[", "{"):
        for at, char in enumerate(rest):
            depth += (char in "[{") - (char in "]}")
            if depth == 0:
                return rest[: at + 1]
    first, *lines = rest.split("\n")
    deeper = itertools.takewhile(lambda line: not line.strip() or len(line) - len(line.lstrip()) > len(found[1]), lines)
    return "\n".join([first, *deeper])


def counts_tokens(trace: Trace, key: str) -> bool:
    """Whether the sweep file, or the base, writes the key's values as tokens; their column has no unit."""
    base = scenario.flat(scenario.parse(trace.attributes.get("base", "")))
    return re.search(r"\d tokens\b", axis_text(trace.attributes.get("sweep", ""), key)) is not None or str(base.get(key)).endswith(" tokens")


def written(trace: Trace, key: str, value: Any) -> str:
    """A parameter's value as a scenario takes it, with its unit."""
    if value in trace.texts.get(key, {}):
        return trace.texts[key][value]
    text = f"{value:.17g}" if isinstance(value, (float, numpy.floating)) else str(value)
    unit = trace.units["points"].get(key, "1")
    return f"{text} {unit}" if unit != "1" else f"{text} tokens" if counts_tokens(trace, key) else text


def base_of(trace: Trace) -> str:
    """The scenario that all points change."""
    base = re.search(r'(?:^|[{,])\s*"?base"?\s*:\s*"?([^",}#\n]+)', trace.attributes.get("sweep", ""), re.MULTILINE)
    return base[1].strip() if base else "BASE.yaml"


def command(trace: Trace, row: Dict[str, Any]) -> str:
    """The command that runs a point alone."""
    return " ".join(["cpsim", base_of(trace), *(f"--set '{key}={written(trace, key, row[key])}'" for key in parameters(trace))])


def point_scenario(trace: Trace, row: Dict[str, Any]) -> str:
    """The point as a scenario that uses the base; "" where a key is inside a list, which a file would have to say whole."""
    keys = parameters(trace)
    if any(part.isdigit() for key in keys for part in key.split(".")):
        return ""
    lines = ["schema: 1", f"use: {json.dumps(base_of(trace))}"]
    open_: List[str] = []
    for key in sorted(keys):
        *parents, last = key.split(".")
        shared = 0
        while shared < min(len(parents), len(open_)) and parents[shared] == open_[shared]:
            shared += 1
        lines += [f"{'  ' * depth}{name}:" for depth, name in enumerate(parents) if depth >= shared]
        lines.append(f"{'  ' * len(parents)}{last}: {written(trace, key, row[key])}")
        open_ = parents
    return "\n".join(lines) + "\n"


# --- one metric against one or two parameters ---


def grid(trace: Trace, metric: str) -> Optional[pandas.DataFrame]:
    """The metric as a table of two parameters (the others at their best): the two with the most
    values. None when fewer vary on their own, or most of the table would be empty."""
    keys = independent(trace)
    if len(keys) < 2:
        return None
    points = done(trace)
    best = "max" if more_is_better(metric) else "min"
    rows, columns = sorted(keys, key=lambda key: points[key].nunique())[-2:]
    table = points.pivot_table(index=rows, columns=columns, values=metric, aggfunc=best)
    return table if table.notna().to_numpy().mean() > 1 / 3 else None


def known_metric(trace: Trace, name: str) -> str:
    """A metric of the sweep by its name, with or without its unit's ending; ValueError: those that there are."""
    found = [metric for metric in metrics(trace) if name in (metric, metric.removesuffix("_seconds"))]
    if not found:
        raise ValueError(f"no metric '{name}' in this sweep; there are: {', '.join(metrics(trace))}")
    return found[0]


def draw_heat_map(trace: Trace, width: float = look.WIDE, metric: Optional[str] = None) -> Optional[Figure]:
    metric = metric or first_metric(trace)
    table = grid(trace, metric) if metric else None
    if metric is None or table is None or min(table.shape) < 2 or max(table.shape) > 60:
        return None
    values = table.to_numpy(dtype=float)
    figure, axes = look.figure(width, 1.2 + 0.36 * len(table))
    positive = values[numpy.isfinite(values)]
    scale = colors.LogNorm if positive.min() > 0 and positive.max() > 20 * positive.min() else colors.Normalize
    norm = scale(positive.min(), positive.max())
    # Cells are rectangles, not a picture, so that a page can colour their text and they scale.
    light, dark = numpy.array(colors.to_rgb("#eef3f9")), numpy.array(colors.to_rgb("#0b2a4f"))
    size = 8 if width * 72 / table.shape[1] > 36 else 6
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            value = values[row, column]
            if not numpy.isfinite(value):
                axes.text(column, row, "-", ha="center", va="center", fontsize=size)
                continue
            share = float(norm(value))
            cell = colors.to_hex(light + share * (dark - light))
            axes.add_patch(patches.Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=cell, edgecolor="#ffffff", linewidth=1))
            # Inks of a cell's own, which no dark page may turn round.
            ink = "#fefefe" if share > 0.5 else "#010101"
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", color=ink, fontsize=size)
    axes.set_xticks(range(table.shape[1]), [short(value) for value in table.columns], fontsize=8)
    axes.set_yticks(range(table.shape[0]), [short(value) for value in table.index], fontsize=8)
    longest = max(len(short(value)) for value in table.columns)
    if width < 5 or longest * 5.5 > 0.85 * width * 72 / table.shape[1]:
        axes.tick_params(axis="x", rotation=45)
    axes.set(xlim=(-0.5, table.shape[1] - 0.5), ylim=(table.shape[0] - 0.5, -0.5), title=label(trace, metric),
             xlabel=label(trace, table.columns.name), ylabel=label(trace, table.index.name).rpartition("." if width < 5 else "\0")[-1])  # fmt: skip
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def draw_effect(trace: Trace, width: float = look.WIDE, metric: Optional[str] = None) -> Optional[Figure]:
    """The metric against the parameter with the most values, a curve a value of the next; numbers
    across before names. Of more than five curves, five from the least to the most."""
    metric, keys = metric or first_metric(trace), independent(trace)
    if not metric or not keys:
        return None
    points = done(trace)
    numeric = {key: pandas.api.types.is_numeric_dtype(points[key]) for key in keys}
    across, *rest = sorted(keys, key=lambda key: (not numeric[key], -points[key].nunique()))
    curves = max(rest, key=lambda key: points[key].nunique(), default=None)
    best = "max" if more_is_better(metric) else "min"
    figure, axes = look.figure(width, 3.4)
    groups = list(points.groupby(curves)) if curves else [("", points)]
    if len(groups) > len(look.SHADES):
        chosen = numpy.linspace(0, len(groups) - 1, len(look.SHADES)).round().astype(int)
        axes.set_title(f"{len(look.SHADES)} of {len(groups)} values of {curves}")
        groups = [groups[index] for index in chosen]
    names = sorted(points[across].unique(), key=lambda value: points[points[across] == value][metric].min())
    for (value, own), shade, dashes, marker in zip(groups, look.SHADES, look.DASHES, look.MARKERS):
        line = own.groupby(across)[metric].agg(best).dropna()
        places = line.index if numeric[across] else [names.index(name) for name in line.index]
        # Between names there is nothing to join.
        axes.plot(places, line.to_numpy(), color=shade, linestyle=dashes if numeric[across] else "none", marker=marker,
                  markersize=4 if numeric[across] else 7, label=f"{curves} = {short(value)}" if curves else None)  # fmt: skip
    axes.set(xlabel=label(trace, across), ylabel=label(trace, metric))
    values = points[across]
    if numeric[across] and values.min() > 0 and values.max() > 20 * values.min():
        look.logarithmic(axes, "x")
    if points[metric].min() > 0 and points[metric].max() > 20 * points[metric].min():
        look.logarithmic(axes, "y")
    else:
        look.engineering(axes, "y")
    if not numeric[across]:
        axes.set_xticks(range(len(names)), [short(name) for name in names])
        axes.set_ylim(0, 1.08 * points[metric].max())
        if width < 5:
            axes.tick_params(axis="x", rotation=45)
    elif 1 < values.nunique() <= 8 and values.max() <= 20 * values.min():
        axes.set_xticks(sorted(values.unique()), [short(value) for value in sorted(values.unique())])
    if curves:
        look.legend_under(figure, axes, 1 if width < 5 else 2)
    return figure


# --- Pareto ---


def front(points: pandas.DataFrame, first: str, second: str) -> Any:
    """Which points nothing beats in both metrics, as a boolean array."""
    sign = [-1.0 if more_is_better(metric) else 1.0 for metric in (first, second)]
    x, y = (s * points[metric].to_numpy(dtype=float) for s, metric in zip(sign, (first, second)))
    order = numpy.lexsort((y, x))
    kept, best = numpy.zeros(len(points), dtype=bool), numpy.inf
    for index in order:
        if y[index] < best:
            kept[index], best = True, y[index]
    return kept


def pareto_metrics(trace: Trace) -> Optional[Tuple[str, str]]:
    """A pair worth weighing: the first metric, and what it costs."""
    names = metrics(trace)
    first = first_metric(trace)
    wanted = ["dollars_per_hour", "nodes", "output_tokens_per_second",
              "tokens_per_second", "dollars_per_million_output_tokens", "joules_per_output_token", "joules",
              "network_bytes", "peak_memory_bytes_per_gpu"]  # fmt: skip
    second = next((name for name in wanted if name in names and name != first), None)
    return (first, second) if first and second else None


def contests(trace: Trace, points: pandas.DataFrame) -> List[Tuple[str, pandas.DataFrame]]:
    """[(what, points)]: points that may be weighed against each other, those of one workload. A
    shorter prompt beats no longer one."""
    keys = [key for key in independent(trace) if key.startswith("workload.") and not key.startswith("workload.service.")]
    if not keys:
        return [("", points)]
    names = [key.rsplit(".", 1)[-1] for key in keys]
    return [
        (", ".join(f"{name} {short(value)}" for name, value in zip(names, values if isinstance(values, tuple) else (values,))), own)
        for values, own in points.groupby(keys if len(keys) > 1 else keys[0])
    ]


def draw_pareto(trace: Trace, width: float = look.WIDE, pair: Optional[Tuple[str, str]] = None) -> Optional[Figure]:
    pair = pair or pareto_metrics(trace)
    if pair is None:
        return None
    first, second = pair
    points = done(trace).dropna(subset=list(pair))
    if len(points) < 3:
        return None
    figure, axes = look.figure(width, 3.8)
    axes.plot(points[first], points[second], linestyle="none", marker="o", markersize=3.5, color="#888888", label="points")
    own = contests(trace, points)
    keys = [key for key in independent(trace) if len(own) == 1 or not key.startswith("workload.")][:3]
    fronts = [(what, some[front(some, first, second)].sort_values(first)) for what, some in own]
    notes = []
    if len(own) <= len(look.SHADES):  # a curve a workload while they can be told apart
        for (what, best), shade, dashes, marker in zip(fronts, [*look.SHADES[1:], look.SHADES[0]], look.DASHES, look.MARKERS):
            axes.plot(best[first], best[second], color=shade, linestyle=dashes, marker=marker, markersize=5,
                      label=what or "nothing is better in both")  # fmt: skip
            notes += [(row[first], row[second], point_name(keys, row)) for row in best.to_dict("records")]
    else:
        best = pandas.concat([rows for _, rows in fronts])
        axes.plot(best[first], best[second], color=look.SHADES[1], linestyle="none", marker="o", markersize=5,
                  label="nothing of the same workload is better in both")  # fmt: skip
    for which, name in (("x", first), ("y", second)):
        if points[name].min() > 0 and points[name].max() > 20 * points[name].min():
            look.logarithmic(axes, which)
        else:
            look.engineering(axes, which)
    axes.margins(0.06, 0.12)  # for what is written at the outermost points
    better = {True: "more is better", False: "less is better"}
    axes.set(xlabel=f"{label(trace, first)} ({better[more_is_better(first)]})",
             ylabel=f"{label(trace, second)}\n({better[more_is_better(second)]})")  # fmt: skip
    look.legend_under(figure, axes, 2)
    if keys:
        look.annotate_apart(axes, notes)
    return figure


def summary_rows(trace: Trace, most: int = 10) -> List[List[str]]:
    """The best points by the first metric, as rows of text with a head."""
    metric, keys = first_metric(trace), parameters(trace)
    if not metric:
        return [["no metric"]]
    points = done(trace).sort_values(metric, ascending=not more_is_better(metric)).head(most)
    shown = [*keys, *metrics(trace)[:6]]
    rows = [[name_of(trace, name) for name in shown]]
    return rows + [[short(value) if name in keys else value_text(trace, name, value) for name, value in row.items()]
                   for row in points[shown].to_dict("records")]  # fmt: skip


def counts(trace: Trace) -> Dict[str, int]:
    """{status: points}"""
    return {str(status): int(count) for status, count in trace["points"]["status"].value_counts(sort=False).items()}
