# SPDX-License-Identifier: MIT
"""Pictures of several runs in one: each draw_...(traces, width) returns a figure, or None when fewer
than two of the runs have what it shows. Runs are numbered from 1, as in the report."""
from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy
from matplotlib.figure import Figure

from . import figures, look, serving, training
from .cpsim_trace import Trace, phases_of


def numbered(traces: Sequence[Trace], has: Callable[[Trace], bool]) -> List[Tuple[int, Trace]]:
    return [(number, trace) for number, trace in enumerate(traces, 1) if has(trace)]


def draw_phases(traces: Sequence[Trace], width: float = look.WIDE) -> Optional[Figure]:
    """The seconds of each phase, the runs' bars under one another; the first four phases that two
    runs share."""

    def has(trace: Trace) -> bool:
        return set(figures.PARTS) <= set(trace.get("phases", {})) and len(phases_of(trace)) > 0

    runs = numbered(traces, has)
    if len(runs) < 2:
        return None
    names = [name for name in runs[0][1]["phases"]["name"] if sum(name in set(t["phases"]["name"]) for _, t in runs) > 1][:4]
    if not names:
        return None
    figure, panels = look.figure(width, (0.5 + 0.26 * len(runs)) * len(names) + 0.8, len(names), squeeze=False)
    shown: Dict[str, look.Style] = {}
    for axes, name in zip(panels[:, 0], names):
        rows = [(number, t["phases"][t["phases"]["name"] == name].iloc[0]) for number, t in runs if name in set(t["phases"]["name"])]
        most = max(row["duration"] for _, row in rows)
        scale, unit = (1, "s") if most >= 1 else (1e3, "ms")
        parts = {p: style for p, style in figures.PARTS.items() if any(row[p] > 0.0005 * row["duration"] for _, row in rows)}
        figures.stacked(axes, [f"run {number}" for number, _ in rows], [([row[p] for _, row in rows], *style[:2]) for p, style in parts.items()], scale)
        axes.set_title(f"{name}, {unit}")
        shown |= parts
    look.legend_below(figure, [style for part, style in figures.PARTS.items() if part in shown], figures.columns_of(width, 4))
    return figure


def draw_latency(traces: Sequence[Trace], width: float = look.WIDE) -> Optional[Figure]:
    """Cumulative distributions of five services at most."""
    runs = [(number, serving.latencies(trace)) for number, trace in enumerate(traces, 1)]
    runs = [(number, measured) for number, measured in runs if measured is not None and len(measured)][: len(look.SHADES)]
    if len(runs) < 2:
        return None
    figure, panels = look.figure(width, 6.4, 3)
    for axes, name in zip(panels, ("ttft", "tpot", "latency")):
        least, most = numpy.inf, 0.0
        for (number, measured), shade, dashes in zip(runs, look.SHADES, look.DASHES):
            values = numpy.sort(measured[name].dropna().to_numpy())
            if not len(values):
                continue
            shares = numpy.unique(numpy.linspace(1, len(values), min(400, len(values))).astype(int))
            axes.plot(values[shares - 1], 100 * shares / len(values), color=shade, linestyle=dashes, label=f"run {number}")
            least, most = min(least, values[0]), max(most, values[-1])
        if 0 < least < most / 20:
            look.logarithmic(axes, "x")
        axes.set(ylim=(0, 103), ylabel="requests, %", xlabel=f"{serving.LATENCIES[name]}, s")
    panels[0].legend(fontsize=7.5, loc="lower right")
    return figure


def draw_steps(traces: Sequence[Trace], width: float = look.WIDE) -> Optional[Figure]:
    """Seconds of training steps as their busiest stage spends them."""
    runs = numbered(traces, training.is_training)
    if len(runs) < 2:
        return None
    styles = {**training.KINDS, "exchange": training.EXCHANGE, "idle": training.IDLE}
    rows = [training.stage_times(trace).pipe(lambda times: times.loc[times[list(training.KINDS)].sum(axis=1).idxmax()]) for _, trace in runs]
    shown = {kind: style for kind, style in styles.items() if any(row[kind] > 0 for row in rows)}
    figure, axes = look.figure(width, 1.0 + 0.35 * len(runs))
    figures.stacked(axes, [f"run {number}" for number, _ in runs], [([row[k] for row in rows], *style[:2]) for k, style in shown.items()])
    axes.set_xlabel("time of a step, s")
    look.legend_below(figure, shown.values(), figures.columns_of(width, 5))
    return figure
