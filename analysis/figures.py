# SPDX-License-Identifier: MIT
"""Pictures of one run. Each draw_...(trace, width) returns a figure, or None when the trace has
nothing to draw."""
from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy
import pandas
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import look, scenario
from .cpsim_trace import Trace, phases_of

PARTS = {  # columns of /phases: shade, hatch, legend
    "gemm": look.KINDS["gemm"],
    "attention": look.KINDS["attention"],
    "memory_kernels": look.KINDS["memory"],
    "tp_collective": ("#5a5a5a", "\\\\", "tensor-parallel collectives"),
    "ring_exposed": ("#b5432a", "xx", "exposed ring"),
    "host": look.KINDS["host"],
    "other": ("#888888", "..", "other"),
}


def columns_of(width: float, wide: int) -> int:
    return wide if width > 5 else 2


def stacked(axes: Axes, labels: Sequence[str], parts: Iterable[Tuple[Any, str, str]], scale: float = 1.0) -> None:
    """Horizontal bars, first label on top; parts: (values, shade, hatch)."""
    places = numpy.arange(len(labels))
    left = numpy.zeros(len(labels))
    for values, shade, hatch in parts:
        values = numpy.asarray(values, dtype=float) * scale
        axes.barh(places, values, left=left, height=0.7, **look.bar_style(shade, hatch))
        left += values
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


# --- where the time of each phase goes ---


def heaviest(trace: Trace, most: int) -> List[int]:
    """Rows of /phases that a picture has room for: the first; of a service's steps those that stand for the most time, in the order
    in which they came."""
    phases, steps = trace["phases"], trace.get("steps")
    if steps is None or "like" not in steps or len(phases_of(trace)):
        return list(range(min(most, len(phases))))
    return sorted(int(row) for row in steps.groupby("like")["duration"].sum().nlargest(most).index)


def draw_phases(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    phases = trace.get("phases")
    if phases is None or phases.empty or not set(PARTS) <= set(phases.columns):
        return None
    phases = phases.iloc[heaviest(trace, 24 if len(phases_of(trace)) else 8)]
    shown = {part: style for part, style in PARTS.items() if (phases[part] > 0.0005 * phases["duration"]).any()}
    figure, axes = look.figure(width, 1.0 + 0.3 * len(phases) + (0.3 if width < 5 else 0))
    labels = [f"{name}\n{look.quantity(t, 's')}" for name, t in zip(phases["name"], phases["duration"])]
    stacked(axes, labels, [(phases[p] / phases["duration"], *style[:2]) for p, style in shown.items()], 100)
    axes.set(xlabel="share of the phase's time, %", xlim=(0, 100))
    axes.tick_params(axis="y", labelsize=7.5)
    look.legend_below(figure, shown.values(), columns_of(width, 4))
    return figure


# --- the timeline of a layer ---

LANES = {"compute": 1, "communication": 0}
MOST_BARS = 1500


LAYERS = ["layers", "forward", "backward"]  # segments: of a prefill or decode, of a training step


def layer_of(trace: Trace, phase: int, segment: str = "layers") -> pandas.DataFrame:
    """One layer of a phase's segment, as its first rank ran it; starts in ms from the layer's."""
    operators = trace["operators"]
    rows = operators[(operators["phase"] == phase) & (operators["segment"] == segment)]
    if rows.empty:
        rows = operators[operators["phase"] == phase]
    rows = rows[(rows["rank"] == rows["rank"].min())]
    rows = rows[rows["layer"] == rows["layer"].min()]
    return rows.assign(start=1e3 * (rows["start"] - rows["start"].min()), duration=1e3 * rows["duration"])


def draw_layer(axes: Axes, rows: pandas.DataFrame) -> None:
    for kind, (shade, hatch, _) in look.KINDS.items():
        for stream, lane in LANES.items():
            own = rows[(rows["kind"] == kind) & (rows["stream"] == stream)].iloc[:MOST_BARS]
            if len(own):
                spans = list(zip(own["start"], own["duration"]))
                axes.broken_barh(spans, (lane + 0.1, 0.8), **look.bar_style(shade, hatch))
    axes.set_yticks([0.5, 1.5], ["communi-\ncation", "compute"])
    axes.set_ylim(0, 2)
    axes.set_xlim(0, float((rows["start"] + rows["duration"]).max()))
    axes.grid(axis="y", visible=False)


def draw_timeline(trace: Trace, width: float = look.WIDE, most: int = 6) -> Optional[Figure]:
    operators, phases = trace.get("operators"), trace.get("phases")
    if operators is None or operators.empty or phases is None or phases.empty:
        return None
    shown = []
    for phase in [row for row in heaviest(trace, most) if (operators["phase"] == row).any()]:
        own = set(operators.loc[operators["phase"] == phase, "segment"])
        shown += [(int(phase), segment) for segment in LAYERS if segment in own] or [(int(phase), "layers")]
    figure, panels = look.figure(width, 0.9 + 1.15 * len(shown), len(shown), squeeze=False)
    for axes, (phase, segment) in zip(panels[:, 0], shown):
        draw_layer(axes, layer_of(trace, phase, segment))
        way = "" if segment == "layers" else f", {segment}"
        axes.set_title(f"{phases['name'][phase]}{': one layer of one GPU' if width > look.NARROW else ''}{way}; ms")
    panels[-1, 0].set_xlabel("time since the start of the layer, ms")
    kinds = [look.KINDS[kind] for kind in look.KINDS if (operators["kind"] == kind).any()]
    look.legend_below(figure, kinds, columns_of(width, 5))
    return figure


# --- roofline ---

ROOF_MARKERS = {"gemm": ("s", "#1b4f8a"), "attention": ("o", "#d98c3f"), "memory": ("^", "#5a5a5a")}


def roofs(trace: Trace) -> Optional[Tuple[float, Dict[str, float]]]:
    """(memory bytes/s, {format: FLOP/s}) of the run's GPU; None when the scenario does not say."""
    gpu = scenario.parse(trace.attributes.get("scenario", "")).get("gpu", {})
    rate = scenario.number(gpu.get("memory_rate"))
    peaks = {name: scenario.number(value) for name, value in (gpu.get("dense_rate") or {}).items()}
    peaks = {name: value for name, value in peaks.items() if value and name in ("bf16", "fp8")}
    return (rate, peaks) if rate and peaks else None


def kernels(trace: Trace) -> pandas.DataFrame:
    """Kernels that compute, one row a name and phase, sums over what the trace has of them."""
    rows = trace["operators"]
    rows = rows if len(phases_of(trace)) else rows[rows["phase"].isin(heaviest(trace, 6))]
    rows = rows[(rows["stream"] == "compute") & (rows["flops"] > 0) & (rows["bytes"] > 0)]
    sums = rows.groupby(["phase", "kind", "name"], observed=True)[["flops", "bytes", "duration"]].sum().reset_index()
    return sums.assign(intensity=sums["flops"] / sums["bytes"], rate=sums["flops"] / sums["duration"])


def draw_roofline(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    limits = roofs(trace)
    if limits is None or trace.get("operators") is None:
        return None
    points = kernels(trace)
    if points.empty:
        return None
    rate, peaks = limits
    figure, axes = look.figure(width, 4.3)
    low, high = points["intensity"].min() / 4, max(points["intensity"].max() * 4, 2 * max(peaks.values()) / rate)
    for (name, peak), dashes in zip(sorted(peaks.items()), look.DASHES):
        knee = peak / rate
        axes.plot([low, knee, high], [low * rate / 1e12, peak / 1e12, peak / 1e12], color="#000000", linestyle=dashes,
                  linewidth=1, label=f"{name} peak, {peak / 1e12:,.0f} TFLOP/s")  # fmt: skip
    phases = {i: str(kind) for i, kind in enumerate(trace["phases"].get("kind", []))}
    for kind, (marker, shade) in ROOF_MARKERS.items():
        for phase in dict.fromkeys(phases.values()):
            own = points[(points["kind"] == kind) & (points["phase"].map(phases) == phase)]
            if own.empty:
                continue
            label = f"{look.KINDS[kind][2] if kind == 'memory' else kind}, {phase.replace('_', ' ')}"
            axes.plot(own["intensity"], own["rate"] / 1e12, linestyle="none", marker=marker, color=shade, markersize=5,
                      markerfacecolor="#ffffff" if phase == "decode" else shade, label=label)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="intensity, FLOP per byte of GPU memory",
             ylabel="achieved, TFLOP/s", title=f"memory {rate / 1e12:.2f} TB/s (the slope)")  # fmt: skip
    for which in ("x", "y"):
        look.logarithmic(axes, which)
    look.legend_under(figure, axes, columns_of(width, 3))
    # The longest first: where there is no room for all names, those stay that matter.
    longest = points.sort_values("duration", ascending=False)
    names: Dict[str, Tuple[float, float, str]] = {}
    for row in longest.to_dict("records"):
        names.setdefault(row["name"], (row["intensity"], row["rate"] / 1e12, row["name"]))
    look.annotate_apart(axes, list(names.values()))
    return figure


# --- memory ---

MEMORY = {
    "memory_weights": ("#1b4f8a", "", "weights"),
    "memory_optimizer": ("#b5432a", "xx", "optimiser"),
    "memory_gradients": ("#2e8b57", "..", "gradients"),
    "memory_kv_cache": ("#d98c3f", "//", "KV cache"),
    "memory_activations": ("#bcd4ea", "", "activations and buffers"),
}


def draw_memory(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """GPUs with equal memory share a bar."""
    gpus = trace.get("gpus")
    if gpus is None or gpus.empty or "memory_capacity" not in gpus:
        return None
    kinds = {kind: style for kind, style in MEMORY.items() if kind in gpus.columns and (gpus[kind] > 0).any()}
    alike = gpus.groupby([*kinds, "memory_capacity"], sort=False).agg(first=("gpu", "min"), last=("gpu", "max"),
                                                                     count=("gpu", "size")).reset_index().iloc[:24]  # fmt: skip
    labels = [
        f"GPU {first}" if count == 1 else f"{count} GPUs,\n{first} to {last}"
        for first, last, count in zip(alike["first"], alike["last"], alike["count"])
    ]
    figure, axes = look.figure(width, 1.1 + 0.45 * len(alike))
    stacked(axes, labels, [(alike[kind], *style[:2]) for kind, style in kinds.items()], 1e-9)
    capacity = float(alike["memory_capacity"].max()) * 1e-9
    axes.axvline(capacity, color="#000000", linestyle="--", linewidth=1)
    axes.set(xlabel="GB at its fullest; dashed: capacity", xlim=(0, 1.04 * capacity))
    look.legend_below(figure, kinds.values(), columns_of(width, 5))
    return figure


# --- utilisation of GPUs and links ---

BUSY = {
    "busy_gemm": look.KINDS["gemm"],
    "busy_attention": look.KINDS["attention"],
    "busy_memory_kernels": look.KINDS["memory"],
    "busy_communication": look.KINDS["collective"],
}


def run_seconds(trace: Trace) -> float:
    """The length of the run: the end of the last thing it has."""
    ends = [
        float((table["start"] + table["duration"]).max())
        for table in trace.values()
        if {"start", "duration"} <= set(table.columns) and len(table)
    ]
    if "requests" in trace:
        ends.append(float(trace["requests"]["last_token"].max()))
    return max(ends) if ends else float("nan")


def draw_utilisation(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    gpus, seconds = trace.get("gpus"), run_seconds(trace)
    if gpus is None or gpus.empty or not set(BUSY) <= set(gpus.columns) or not seconds > 0:
        return None
    figure, axes = look.figure(width, 2.6)
    gpus = gpus.sort_values("gpu")
    bottom = numpy.zeros(len(gpus))
    numbers = gpus["gpu"].to_numpy()
    whole = bool((numpy.diff(numbers) == 1).all())  # all of a run, rather than one of each stage
    edges = numpy.append(numbers, numbers[-1] + 1) if whole else numpy.arange(len(numbers) + 1)
    for kind, (shade, hatch, _) in BUSY.items():
        top = bottom + 100 * gpus[kind].to_numpy() / seconds
        axes.stairs(top, edges, baseline=bottom, fill=True, facecolor=shade, hatch=hatch, edgecolor="#000000", linewidth=0.2)
        bottom = top
    axes.set(xlabel="GPU", ylabel="busy, % of the run", xlim=(edges[0], edges[-1]), ylim=(0, max(100, 1.02 * bottom.max())))
    if whole and len(numbers) <= 16:
        axes.set_xticks(edges[:-1] + 0.5, [str(number) for number in numbers])
    elif whole:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    else:
        every = -(-len(numbers) // (16 if width > 5 else 5))
        axes.set_xticks(edges[:-1:every] + 0.5, [str(number) for number in numbers[::every]])
        axes.set_xlabel("GPU, the first of each stage")
    look.legend_below(figure, BUSY.values(), columns_of(width, 4))
    return figure


def link_curves(links: pandas.DataFrame) -> Dict[str, Any]:
    """{label: use in %, the busiest first}; both directions are one curve where they carry the same."""
    curves: Dict[str, Any] = {}
    for kind, rows in links.groupby("kind", observed=True):
        ways = {
            way: own["utilisation"].sort_values(ascending=False).to_numpy() * 100
            for way, own in rows.groupby("direction", observed=True)
        }
        first, *others = ways.values()
        if all(len(first) == len(own) and numpy.allclose(first, own) for own in others):
            ways = {" and ".join(ways): first}
        curves |= {f"{kind}, {way}": own for way, own in ways.items()}
    return curves


def draw_links(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """Every link a point, sorted by use: a flat line is balance, a knee a hot spot."""
    links = trace.get("links")
    if links is None or links.empty or not links["bytes"].any():
        return None
    figure, axes = look.figure(width, 2.8)
    for (name, own), shade, dashes, marker in zip(link_curves(links).items(), look.SHADES, look.DASHES, look.MARKERS):
        axes.plot(numpy.arange(1, len(own) + 1), own, color=shade, linestyle=dashes, marker=marker, markersize=4,
                  markevery=max(1, len(own) // 8), label=name)  # fmt: skip
    axes.set(xlabel="links, from the busiest", ylabel="used, % of capacity", ylim=(0, 1.1 * 100 * float(links["utilisation"].max())),
             xlim=(0.5, links.groupby(["kind", "direction"], observed=True).size().max() + 0.5))  # fmt: skip
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    look.legend_under(figure, axes, columns_of(width, 4))
    return figure


def rates_over_time(trace: Trace, kind: str) -> Tuple[Any, Any, Any]:
    """(edges of the stretches, mean and largest rate of the links of a kind in each, B/s): outwards."""
    links, series = trace["links"], trace["link_series"]
    own = links.index[(links["kind"] == kind) & (links["direction"] == "out")]
    rows = series[series["link"].isin(own)]
    stretch = float(series["duration"].max())
    count = int(numpy.ceil(run_seconds(trace) / stretch - 1e-9))
    place = numpy.minimum(((rows["time"] - rows["duration"] / 2) / stretch).round().astype(int), count - 1)
    sums = rows["rate"].groupby(place).agg(["sum", "max"]).reindex(range(count), fill_value=0.0)
    return numpy.arange(count + 1) * stretch, sums["sum"].to_numpy() / max(1, len(own)), sums["max"].to_numpy()


def draw_link_series(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """What goes out over links of each kind as the run goes on."""
    if "link_series" not in trace or trace["link_series"].empty or trace["links"].empty:
        return None
    links = trace["links"]
    kinds = [kind for kind in links["kind"].cat.categories if (links.loc[links["kind"] == kind, "bytes"] > 0).any()]
    figure, panels = look.figure(width, 0.6 + 1.6 * len(kinds), len(kinds), sharex=True, squeeze=False)
    for axes, kind in zip(panels[:, 0], kinds):
        edges, mean, most = rates_over_time(trace, kind)
        capacity = float(links.loc[links["kind"] == kind, "capacity"].max()) * 1e-9
        if (most > mean * 1.01).any():
            axes.stairs(most * 1e-9, edges, color="#888888", linestyle=":", linewidth=0.8, label="busiest link")
        axes.stairs(mean * 1e-9, edges, fill=True, color="#bcd4ea", edgecolor=look.SHADES[1], linewidth=0.6, label="mean link")
        axes.set(ylabel="GB/s out", ylim=(0, None), xlim=(0, edges[-1]), title=f"{kind}: a link can carry {capacity:,.0f} GB/s")
    if any(axes.get_legend_handles_labels()[1][:1] == ["busiest link"] for axes in panels[:, 0]):
        panels[0, 0].legend(fontsize=7.5)
    panels[-1, 0].set_xlabel("time, s")
    return figure
