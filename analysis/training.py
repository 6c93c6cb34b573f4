# SPDX-License-Identifier: MIT
"""Figures and pictures of a training step: its pipeline's schedule, what fills each stage's time and
memory. Of a sweep over batches: steps and GPU-hours to the same loss."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
import pandas
from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path

from . import look, scenario
from .cpsim_trace import Trace
from .look import Facts

KINDS = {  # of passes: shade, hatch, legend
    "forward": ("#bcd4ea", "", "forward"),
    "backward": ("#1b4f8a", "//", "backward"),
    "weight": ("#d98c3f", "..", "gradients of weights"),
}
EXCHANGE = ("#5a5a5a", "\\\\", "reducing gradients")
IDLE = ("#ffffff", "", "nothing to do")
MEMORY = {
    "parameters": ("#1b4f8a", "", "parameters"),
    "gradients": ("#2e8b57", "..", "gradients"),
    "optimizer": ("#b5432a", "xx", "optimiser"),
    "activations": ("#bcd4ea", "", "activations"),
}
MOST_STAGES, MOST_CELLS = 32, 6000  # of a picture


def is_training(trace: Trace) -> bool:
    return "cells" in trace and len(trace["cells"]) > 0 and "stages" in trace


def settings(trace: Trace) -> Dict[str, Any]:
    return scenario.parse(trace.attributes.get("scenario", ""))


def step_seconds(trace: Trace) -> float:
    cells = trace["cells"]
    return float(max((cells["start"] + cells["duration"]).max(), trace["stages"]["exchange_end"].max()))


def gpus(trace: Trace) -> int:
    layout = settings(trace).get("layout") or {}
    return int(numpy.prod([int(layout.get(kind, 1)) for kind in ("tensor", "context", "pipeline", "data")]))


def tokens(trace: Trace) -> float:
    """Of a step, over all replicas."""
    known = settings(trace)
    workload, layout = known.get("workload") or {}, known.get("layout") or {}
    sequences = (int(trace["cells"]["micro_batch"].max()) + 1) * int(workload.get("micro_batch", 1)) * int(layout.get("data", 1))
    return float(sequences * scenario.number(workload.get("sequence"), float("nan")))


def stage_times(trace: Trace) -> pandas.DataFrame:
    """Seconds of each stage by kind of pass, then reducing gradients with no pass beside it, and idle."""
    cells, stages, whole = trace["cells"], trace["stages"], step_seconds(trace)
    times = pandas.DataFrame(
        {kind: cells[cells["kind"] == kind].groupby("stage")["duration"].sum().reindex(range(len(stages)), fill_value=0.0)
         for kind in KINDS}
    )  # fmt: skip
    times["exchange"] = (stages["exchange_end"] - stages["end"]).clip(lower=0)
    times["idle"] = (whole - times.sum(axis=1)).clip(lower=0)
    return times


def facts(trace: Trace) -> Facts:
    """{name: (value, unit)}"""
    if not is_training(trace):
        return {}
    whole, stages = step_seconds(trace), trace["stages"]
    times = stage_times(trace)
    busiest = times[list(KINDS)].sum(axis=1).idxmax()
    memory = stages[list(MEMORY)].sum(axis=1)
    found = {"step": (whole, "s"), "GPUs": (float(gpus(trace)), ""), "tokens a step": (tokens(trace), "")}
    found["tokens/s a GPU"] = (tokens(trace) / whole / gpus(trace), "")
    for kind, (_, _, name) in KINDS.items():
        if times[kind].any():
            found[f"{name}, stage {busiest}"] = (float(times.loc[busiest, kind]), "s")
    found["idle on the mean stage"] = (100 * float(times["idle"].mean()) / whole, "%")
    found["idle on the busiest stage"] = (100 * float(times.loc[busiest, "idle"]) / whole, "%")
    found["reducing gradients, longest"] = (float(times["exchange"].max()), "s")
    found["memory of the fullest GPU"] = (float(memory.max()), "B")
    found["its stage"] = (float(memory.idxmax()), "")
    found["passes in flight, most"] = (float(stages["passes_in_flight"].max()), "")
    return found


# --- pictures ---


def some_stages(trace: Trace) -> List[int]:
    """Stages that a picture has room for: all, or evenly chosen ones with the first and the last."""
    count = len(trace["stages"])
    each = max(1, len(trace["cells"]) // count)
    most = max(2, min(MOST_STAGES, MOST_CELLS // each))
    return list(range(count)) if count <= most else sorted({int(i) for i in numpy.linspace(0, count - 1, most).round()})


def draw_schedule(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """Stages down, time across: every pass of every micro-batch. Numbers are of micro-batches, where
    there is room for them."""
    if not is_training(trace):
        return None
    shown, whole = some_stages(trace), step_seconds(trace)
    scale, unit = (1, "s") if whole >= 2 else (1e3, "ms")
    cells = trace["cells"]
    figure, axes = look.figure(width, 1.3 + max(0.22, min(0.4, 5.0 / len(shown))) * len(shown))
    places = {stage: place for place, stage in enumerate(shown)}
    seen = cells[cells["stage"].isin(shown)]
    for kind, (shade, hatch, _) in KINDS.items():
        own = seen[seen["kind"] == kind]
        if len(own):
            edge = {"linewidth": 0.3 if len(seen) <= 400 else 0.08}
            path = rectangles(scale * own["start"], scale * own["duration"], own["stage"].map(places) - 0.4, 0.8)
            axes.add_patch(patches.PathPatch(path, **(look.bar_style(shade, hatch) | edge)))
    stages = trace["stages"]
    for place, stage in enumerate(shown):
        start, end = (scale * float(stages[column][stage]) for column in ("end", "exchange_end"))
        if end > start:
            axes.broken_barh([(start, end - start)], (place - 0.4, 0.8), **look.bar_style(*EXCHANGE[:2]))
    number_passes(axes, seen, places, scale, scale * whole, width)
    axes.set(xlim=(0, scale * whole), ylim=(len(shown) - 0.5, -0.5), xlabel=f"time since the start of the step, {unit}",
             ylabel="stage of the pipeline" if len(shown) > 4 else "stage")  # fmt: skip
    every = -(-len(shown) // 16)
    axes.set_yticks(range(0, len(shown), every), [str(stage) for stage in shown[::every]])
    axes.grid(axis="y", visible=False)
    used = [style for kind, style in KINDS.items() if (cells["kind"] == kind).any()]
    look.legend_below(figure, [*used, EXCHANGE], 4 if width > 5 else 2)
    return figure


def rectangles(left: Any, width: Any, bottom: Any, height: Any) -> Path:
    """One path of many rectangles: a page holds thousands of them as a line of text."""
    left, right, bottom = left.to_numpy(), (left + width).to_numpy(), bottom.to_numpy(dtype=float)
    corners = numpy.stack([left, bottom, right, bottom, right, bottom + height, left, bottom + height, left, bottom], axis=1)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(corners.reshape(-1, 2), numpy.tile(codes, len(left)))


def number_passes(axes: Axes, cells: pandas.DataFrame, places: Dict[int, int], scale: float, whole: float, width: float) -> None:
    """Which micro-batch a pass is of. Backward passes are dark: their numbers stand on a light box."""
    room = 60 * width * scale / whole  # points a second; the axes take most of the width
    wide = cells[cells["duration"] * room > 9]
    if len(wide) < len(cells[cells["kind"] == "forward"]) or len(cells) > 400:
        return
    for row in wide.itertuples():
        dark = row.kind == "backward"
        axes.text(scale * (row.start + row.duration / 2), places[row.stage], str(row.micro_batch), ha="center", va="center", fontsize=6,
                  bbox={"boxstyle": "round,pad=0.1", "facecolor": "#ffffff", "edgecolor": "none"} if dark else None)  # fmt: skip


FEW_STAGES = 3  # as bars beside their numbers; more stand as columns


def stacked(width: float, height: float, values: pandas.DataFrame, styles: Dict[str, look.Style], what: str, limit: float) -> Tuple[Figure, Any]:
    """A bar or column a stage; values: numbers by name, styles: {name: (shade, hatch, legend)}. Returns
    the figure, and how to draw a line at a value."""
    count = len(values[next(iter(styles))])
    lying = count <= FEW_STAGES
    figure, axes = look.figure(width, 1.1 + 0.45 * count if lying else height)
    base = numpy.zeros(count)
    for name, (shade, hatch, _) in styles.items():
        own = numpy.asarray(values[name], dtype=float)
        if lying:
            axes.barh(range(count), own, 0.7, left=base, **look.bar_style(shade, hatch))
        else:
            axes.bar(range(count), own, 0.8, base, **look.bar_style(shade, hatch))
        base = base + own
    if lying:
        axes.set(xlabel=what, xlim=(0, limit))
        axes.set_yticks(range(count), [f"stage {stage}" for stage in range(count)])
        axes.invert_yaxis()
    else:
        axes.set(ylabel=what, ylim=(0, limit), xlabel="stage of the pipeline")
        axes.set_xticks(range(0, count, -(-count // (16 if width > 5 else 8))))
    axes.grid(axis="y" if lying else "x", visible=False)
    look.legend_below(figure, styles.values(), 5 if width > 5 else 2)
    return figure, axes.axvline if lying else axes.axhline


def draw_stages(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """What each stage does with the step."""
    if not is_training(trace):
        return None
    times = 100 * stage_times(trace) / step_seconds(trace)
    styles = {kind: style for kind, style in {**KINDS, "exchange": EXCHANGE, "idle": IDLE}.items() if (times[kind] > 0.01).any()}
    return stacked(width, 3.0, times, styles, "share of the step, %", 100)[0]


def draw_memory(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    if not is_training(trace):
        return None
    stages = trace["stages"]
    capacity = float(stages["capacity"].max()) * 1e-9
    styles = {kind: style for kind, style in MEMORY.items() if (stages[kind] > 0).any()}
    most = float(stages[list(MEMORY)].sum(axis=1).max()) * 1e-9
    values = {kind: stages[kind] * 1e-9 for kind in styles}
    figure, line = stacked(width, 3.2, values, styles, "GB of a GPU; dashed: capacity", 1.04 * max(capacity, most))
    line(capacity, color="#000000", linestyle="--", linewidth=1)
    return figure


def draw_throughput(traces: Sequence[Trace], width: float = look.WIDE, names: Optional[Sequence[str]] = None) -> Optional[Figure]:
    """Steps as points: tokens/s of a GPU against the number of GPUs. A flat line is perfect scaling."""
    points = sorted((gpus(t), tokens(t) / step_seconds(t) / gpus(t), str(name))
                    for name, t in zip(names or range(len(traces)), traces) if is_training(t))  # fmt: skip
    if not points:
        return None
    figure, axes = look.figure(width, 3.6)
    axes.plot([x for x, _, _ in points], [y for _, y, _ in points], color=look.SHADES[1], linestyle="none", marker="o", markersize=5)
    axes.set(xlabel="GPUs", ylabel="training throughput, tokens/s a GPU", ylim=(0, 1.1 * max(y for _, y, _ in points)))
    axes.margins(x=0.15)
    if points[-1][0] > 20 * points[0][0]:
        look.logarithmic(axes, "x")
    look.annotate_apart(axes, points, 7)
    return figure


# --- a sweep over batches ---


def draw_batch(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """Runs to the same loss: steps and GPU-hours against the batch; beyond the critical batch, more
    buys little. None unless the sweep has such runs of two batches."""
    points = trace["points"]
    needed = ["global_batch_tokens", "run_steps", "run_gpu_hours"]
    if not set(needed) <= set(points.columns):
        return None
    points = points[points["status"] == "done"].dropna(subset=needed).sort_values("global_batch_tokens")
    points = points[points["run_steps"] > 0]
    if points["global_batch_tokens"].nunique() < 2:
        return None
    figure, panels = look.figure(width, 4.6, 2, sharex=True)
    across = points["global_batch_tokens"] / 1e6
    for axes, column, name in zip(panels, needed[1:], ("steps to the end", "GPU-hours to the end")):
        axes.plot(across, points[column], color=look.SHADES[1], marker="o", markersize=4)
        axes.set_ylabel(name)
        axes.margins(y=0.15)
        if points[column].max() > 5 * points[column].min():
            look.logarithmic(axes, "y")
        else:
            axes.set_ylim(0, None)
            look.engineering(axes, "y")
        critical = points["critical_batch_tokens"].dropna() / 1e6
        if len(critical) and across.min() / 2 <= critical.iloc[0] <= 2 * across.max():
            axes.axvline(critical.iloc[0], color="#000000", linestyle="--", linewidth=1)
    look.logarithmic(panels[-1], "x")
    panels[-1].set_xlabel("batch, million tokens; dashed: the critical batch")
    return figure
