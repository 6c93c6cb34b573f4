# SPDX-License-Identifier: MIT
"""A sweep over precisions: latency, memory and predicted quality, and which choices nothing beats in
all three. Needs `quality:` in the scenario; scenarios/sweeps/precision-405b.yaml is one. A sweep over
bits and training tokens: the law's loss as a surface (scenarios/sweeps/quantisation-surface.yaml)."""
from __future__ import annotations

from typing import List, Optional

import numpy
import pandas
from matplotlib.figure import Figure

from . import look, sweep
from .cpsim_trace import Trace

AIMS = ["seconds", "peak_memory_bytes_per_gpu", "precision_loss_nats_per_token"]  # less is better in each


def front(points: pandas.DataFrame) -> List[bool]:
    """Whether no other point is as good in every aim and better in one."""
    rows = points[AIMS].to_numpy()
    return [not any((other <= row).all() and (other < row).any() for other in rows) for row in rows]


def prepared(trace: Trace) -> Optional[pandas.DataFrame]:
    """The points done, each with a name and whether it is on the front; None: not such a sweep."""
    if not sweep.is_sweep(trace) or not set(AIMS) <= set(sweep.metrics(trace)):
        return None
    keys = sweep.parameters(trace)
    points = sweep.done(trace).dropna(subset=AIMS).copy()
    points["name"] = [", ".join(sweep.short(row[key]) for key in keys) for row in points.to_dict("records")]
    points["kept"] = front(points)
    return points.sort_values(AIMS)


def table(points: pandas.DataFrame) -> List[str]:
    """Lines of text; * marks the front."""
    lines = [f"  {'precision':<20} {'run':>9} {'TTFT':>9} {'TPOT':>9} {'memory a GPU':>13} {'loss added':>12}"]
    for row in points.to_dict("records"):
        lines.append(
            f"{'*' if row['kept'] else ' '} {row['name']:<20} {row['seconds']:>7.2f} s {row['ttft_seconds']:>7.2f} s"
            f" {1e3 * row['tpot_seconds']:>6.1f} ms {row['peak_memory_bytes_per_gpu'] / 1e9:>10.1f} GB"
            f" {row['precision_loss_nats_per_token']:>7.5f} nat"
        )
    return [*lines, "* nothing is as good in time, memory and loss, and better in one"]


def draw(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    points = prepared(trace)
    if points is None or len(points) < 2:
        return None
    figure, axes = look.figure(width, 3.8)
    for kept, colour, name in ((False, "#888888", "beaten"), (True, look.SHADES[1], "nothing beats it in all three")):
        some = points[points["kept"] == kept]
        axes.plot(some["seconds"], some["peak_memory_bytes_per_gpu"] / 1e9, linestyle="none", marker="o", color=colour, label=name)
    axes.set(xlabel="run, s (less is better)", ylabel="memory of a GPU, GB (less is better)")
    axes.margins(x=0.15, y=0.2)
    axes.legend(fontsize=7.5, loc="upper left")
    notes = [(x, y / 1e9, ", ".join(alike["name"]) + (f", +{loss:.2g} nat" if loss else ""))
             for (x, y, loss), alike in points.groupby(AIMS, sort=True)]  # fmt: skip
    look.annotate_apart(axes, notes)
    return figure


# --- bits and tokens ---

BITS, TOKENS, LOSS = "quality.weight_bits", "quality.tokens", "loss_nats_per_token"
LOST, CRITICAL, BEYOND = "quantisation_loss_nats_per_token", "critical_tokens", "extrapolated"


def draw_quantisation(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """Loss over bits (across) and tokens (up); None: the sweep has no such grid.

    Dark lines are what quantisation adds; the red one is D_crit, where more tokens begin to make the narrowed
    model worse; dots beyond what the law was tried on."""
    if not sweep.is_sweep(trace) or not {BITS, TOKENS} <= set(sweep.parameters(trace)):
        return None
    if not {LOSS, LOST, CRITICAL, BEYOND} <= set(sweep.metrics(trace)):
        return None
    points = sweep.done(trace)
    loss, lost, beyond = (points.pivot_table(index=TOKENS, columns=BITS, values=name) for name in (LOSS, LOST, BEYOND))
    if min(loss.shape) < 3 or loss.isna().to_numpy().any():
        return None
    bits, tokens = loss.columns.to_numpy(dtype=float), loss.index.to_numpy(dtype=float)
    figure, axes = look.figure(width, 4.2)
    axes.set(yscale="log", xlim=(bits[0], bits[-1]), ylim=(tokens[0], tokens[-1]), xlabel="bits of a weight after training",
             ylabel="training tokens")  # fmt: skip
    shown = axes.contourf(bits, tokens, loss.to_numpy(), levels=16, cmap="Blues")
    figure.colorbar(shown, ax=axes, label="loss, nats a token (less is better)")
    with numpy.errstate(divide="ignore"):  # 16 bits lose nothing: no line goes there
        logarithm = numpy.ma.masked_invalid(numpy.log10(lost.to_numpy()))
    added = axes.contour(bits, tokens, logarithm, levels=numpy.log10([1e-3, 1e-2, 3e-2, 0.1, 0.3]), colors="#333333",
                         linestyles="solid", linewidths=0.7)  # fmt: skip
    axes.clabel(added, fmt=lambda value: f"+{10**value:.3g} nat", fontsize=6.5)
    critical = points.groupby(BITS)[CRITICAL].first().replace(numpy.inf, numpy.nan)
    axes.plot(critical.index, critical, color="#c0392b", linewidth=1.8, label="D_crit: above it more tokens make it worse")
    far = beyond.to_numpy() > 0.5
    across, up = numpy.meshgrid(bits, tokens)
    axes.plot(across[far], up[far], ".", color="#555555", markersize=3, label="extrapolated")
    axes.legend(fontsize=7, loc="upper right")
    return figure
