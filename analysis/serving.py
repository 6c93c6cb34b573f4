# SPDX-License-Identifier: MIT
"""Figures and pictures of a service: latencies of its requests, load over time, throughput against
interactivity. Requests that arrived before the warm-up ended are not measured, as in cpsim's own
summary."""
from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import look, scenario
from .cpsim_trace import Trace
from .look import Facts

LATENCIES = {"ttft": "TTFT", "tpot": "TPOT", "latency": "end to end", "queue": "queue"}
QUANTILES = [0.5, 0.9, 0.95, 0.99]


def quantile_name(label: str, share: float) -> str:
    return f"{label} p{100 * share:g}"


def settings(trace: Trace) -> Dict[str, Any]:
    return scenario.parse(trace.attributes.get("scenario", ""))


def quantile(values: Any, share: float) -> float:
    """Nearest rank, as cpsim's summary has it."""
    ordered = numpy.sort(numpy.asarray(values, dtype=float))
    return float(ordered[max(0, int(numpy.ceil(share * len(ordered))) - 1)]) if len(ordered) else float("nan")


def latencies(trace: Trace) -> Optional[pandas.DataFrame]:
    """Measured requests with their latencies in seconds; None when the trace is of no service."""
    requests = trace.get("requests")
    if requests is None or requests.empty:
        return None
    known = settings(trace)
    warm_up = scenario.number((known.get("workload") or {}).get("warm_up"), 0.0)
    own = scenario.number((known.get("software") or {}).get("request"), 0.0)  # the client's way, before the queue
    requests = requests[(requests["outcome"] == "done") & (requests["arrival"] >= warm_up)]
    several = requests["output_tokens"] > 1
    span = requests["last_token"] - requests["first_token"]
    return pandas.DataFrame(
        {
            "ttft": requests["first_token"] - requests["arrival"],
            "tpot": (span / (requests["output_tokens"] - 1)).where(several),
            "latency": requests["last_token"] - requests["arrival"],
            "queue": (requests["scheduled"] - requests["arrival"] - own).clip(lower=0),
            "output_tokens": requests["output_tokens"],
            "prompt_tokens": requests["prompt_tokens"],
            "arrival": requests["arrival"],
            "last_token": requests["last_token"],
            "class": requests["class"].astype(str) if "class" in requests else "",
        }
    )


def limits_of(said: Dict[str, Any]) -> Dict[str, float]:
    slo = said.get("slo") or {}
    found = {name: scenario.number(slo.get(name)) for name in ("ttft", "tpot")}
    return {name: value for name, value in found.items() if value}


def targets(trace: Trace) -> Dict[str, float]:
    """{"ttft": seconds, "tpot": seconds}: those of the scenario; of classes, none is everybody's."""
    said = settings(trace).get("workload") or {}
    return {} if said.get("classes") else limits_of(said)


def class_targets(trace: Trace) -> Dict[str, Dict[str, float]]:
    """{class: its targets}, in the order of the scenario; "" is the class of a service that has none."""
    said = settings(trace).get("workload") or {}
    return {str(of["name"]): limits_of(of) for of in said.get("classes") or []} or {"": limits_of(said)}


def within_targets(trace: Trace, measured: pandas.DataFrame) -> float:
    """Share of the measured requests, each by the targets of its class; NaN without any."""
    limits = class_targets(trace)
    if not any(limits.values()) or not len(measured):
        return float("nan")
    good = pandas.Series(True, index=measured.index)
    for of, its in limits.items():
        for name, limit in its.items():
            good &= ~((measured["class"] == of) & (measured[name] > limit))  # a single token has no TPOT to miss
    return float(good.mean())


def gpus(trace: Trace) -> int:
    layout = settings(trace).get("layout") or {}
    return int(numpy.prod([int(layout.get(kind, 1)) for kind in ("tensor", "context", "pipeline", "data")]))


def rates(trace: Trace) -> Optional[Tuple[float, float]]:
    """(output tokens/s of a GPU, tokens/s that a user sees) of the measured requests; None: none."""
    measured = latencies(trace)
    if measured is None or measured["tpot"].dropna().empty:
        return None
    per_second = trace.attributes.get("output_tokens_per_second")  # what was served after the warm-up, whenever it came
    if per_second is None:  # a trace of before the figures were its attributes
        per_second = measured["output_tokens"].sum() / (measured["last_token"].max() - measured["arrival"].min())
    return float(per_second) / gpus(trace), 1.0 / quantile(measured["tpot"].dropna(), 0.5)


# --- where the time of a request goes ---

WAITS = {  # parts of a request's time, which add up to it
    "way": "way to the engine and back",
    "queue_batch": "queue: for steps and room in a batch",
    "queue_kv": "queue: KV cache full",
    "prompt": "prompt: first in a batch to first token",
    "room": "prefilled: no room to decode in",
    "network": "network: KV cache on its way",
    "decode": "decode steps",
    "preempted": "given way and begun again",
}
KV_FULL = 0.95  # of a replica's KV cache: a prompt of average length has no room


def kv_full_seconds(trace: Trace, requests: pandas.DataFrame) -> Any:
    """Of each request's queue, the seconds in which the replica that served it had its KV cache full; by its
    steps, each of which says what is held at its end."""
    steps, capacity = trace.get("steps"), float(trace.attributes.get("kv_cache_tokens_per_replica", 0))
    found = numpy.zeros(len(requests))
    if steps is None or steps.empty or capacity <= 0:
        return found
    start, end = requests["arrival"].to_numpy(), requests["scheduled"].to_numpy()
    for replica, own in steps.sort_values("start").groupby("replica"):
        ends = (own["start"] + own["duration"]).to_numpy()
        full = own["kv_tokens"].to_numpy() >= KV_FULL * capacity
        spans = numpy.append(numpy.diff(ends), 0.0) * full
        sums = numpy.concatenate([[0.0], numpy.cumsum(spans)])

        def until(times: Any, ends: Any = ends, full: Any = full, sums: Any = sums) -> Any:
            at = numpy.searchsorted(ends, times, side="right")  # steps that ended before
            last = numpy.maximum(at - 1, 0)
            return sums[last] + numpy.where(at > 0, full[last] * (times - ends[last]), 0.0)

        mine = (requests["replica"] == replica).to_numpy()
        found[mine] = numpy.maximum(until(end[mine]) - until(start[mine]), 0.0)
    return found


def waits(trace: Trace) -> Optional[Tuple[Dict[str, float], float]]:
    """{part: mean seconds of a measured request}, the parts of WAITS, and the mean number of its tokens after the
    first; None when the trace is of no service. The parts add up to the mean time from arrival to last token."""
    measured = latencies(trace)
    if measured is None or not len(measured):
        return None
    requests = trace["requests"].loc[measured.index]
    queue = measured["queue"].to_numpy()
    kv = numpy.minimum(kv_full_seconds(trace, requests), queue)
    span = (requests["last_token"] - requests["first_token"]).to_numpy()
    tokens = (requests["output_tokens"] - 1).clip(lower=0).to_numpy().astype(float)
    disturbed = ((requests["preemptions"] > 0) | (requests["retries"] > 0)).to_numpy()
    # Of pools, between the first token and the second; a trace of before these columns has none.
    room, network = (requests[name].to_numpy() if name in requests else 0.0 * span for name in ("room_wait", "kv_move"))
    span = span - room - network
    calm = ~disturbed & (tokens > 0)
    pace = span[calm].sum() / tokens[calm].sum() if calm.any() else 0.0
    lost = numpy.where(disturbed, numpy.maximum(span - pace * tokens, 0.0), 0.0)
    parts = {
        "way": (requests["scheduled"] - requests["arrival"]).to_numpy() - queue,
        "queue_batch": queue - kv,
        "queue_kv": kv,
        "prompt": (requests["first_token"] - requests["scheduled"]).to_numpy(),
        "room": room,
        "network": network,
        "decode": span - lost,
        "preempted": lost,
    }
    return {name: float(values.mean()) for name, values in parts.items()}, float(tokens.mean())


def why(first: Trace, second: Trace) -> List[Tuple[str, Optional[float], Optional[float], float]]:
    """[(part, seconds in the first, in the second, change)] whose changes add up to that of the mean time of a
    request; decode apart in how long a step takes and how many tokens there are. Empty: one is of no service."""
    before, after = waits(first), waits(second)
    if before is None or after is None:
        return []
    (one, tokens), (two, more) = before, after
    rows: List[Tuple[str, Optional[float], Optional[float], float]]
    rows = [(WAITS[part], one[part], two[part], two[part] - one[part]) for part in WAITS if part != "decode"]
    paces = [run["decode"] / count if count else 0.0 for run, count in ((one, tokens), (two, more))]
    rows.insert(-1, ("decode: time a token", one["decode"], two["decode"], (paces[1] - paces[0]) * (tokens + more) / 2))
    rows.insert(-1, ("decode: number of tokens", None, None, (more - tokens) * (paces[0] + paces[1]) / 2))
    return rows


def interval(trace: Trace, name: str, share: float) -> Optional[Tuple[float, float]]:
    """(low, high) seconds of the 95 % interval around a percentile, as the run found it; None where it did not."""
    stem = {"latency": "e2e"}.get(name, name)
    low, high = (float(trace.attributes.get(f"{stem}_p{100 * share:g}_{end}_seconds", "nan")) for end in ("low", "high"))
    return None if low != low or high != high else (low, high)


# --- pictures ---


def draw_shares(axes: Axes, values: Any, **style: Any) -> None:
    values = numpy.sort(values.dropna().to_numpy())
    if len(values):
        shares = numpy.unique(numpy.linspace(1, len(values), min(400, len(values))).astype(int))
        axes.plot(values[shares - 1], 100 * shares / len(values), drawstyle="steps-post", **style)


def draw_latency(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """Cumulative distributions, of at most 400 points each, of all requests and of each class."""
    measured = latencies(trace)
    if measured is None or not len(measured):
        return None
    limits = targets(trace)
    classes = [of for of in class_targets(trace) if of and (measured["class"] == of).any()]
    names = ["ttft", "tpot", "latency"]
    figure, panels = look.figure(width, 6.4, 3)
    marks, shown = {}, False
    for axes, name in zip(panels, names):
        values = numpy.sort(measured[name].dropna().to_numpy())
        if not len(values):
            continue
        for of, shade, dashes in zip(classes, look.SHADES[2:] + look.SHADES[:1], look.DASHES[1:] + look.DASHES[:1]):
            draw_shares(axes, measured.loc[measured["class"] == of, name], color=shade, linestyle=dashes, label=of)
        draw_shares(axes, measured[name], color=look.SHADES[1], label="all")
        marks[name] = [(quantile(values, share), 100 * share) for share in (0.5, 0.9, 0.99)]
        axes.plot(*zip(*marks[name]), color=look.SHADES[1], marker="o", markersize=4, linestyle="none")
        for share in (0.5, 0.9, 0.99):
            between = interval(trace, name, share)
            if between is not None:
                axes.plot([max(between[0], values[0]), between[1]], [100 * share] * 2, color=look.SHADES[2], marker="|", markersize=7, linewidth=2, zorder=3)
                shown = True
        if name in limits:
            axes.axvline(limits[name], color="#000000", linestyle="--", linewidth=1)
        if values[0] > 0 and values[-1] > 20 * values[0]:
            look.logarithmic(axes, "x")
        note = f"; dashed: target {look.quantity(limits[name], 's')}" if name in limits else ""
        axes.set(ylim=(0, 103), ylabel="requests, %", xlabel=f"{LATENCIES[name]}, s{note}")
    if shown:
        panels[0].set_title("bars: 95 % intervals of the percentiles")
    beside = ((5, -4, "left", "top"), (-5, 4, "right", "bottom"), (5, -14, "left", "top"), (5, -24, "left", "top"),
              (8, -12, "right", "top"), (8, -18, "right", "top"), (-5, -16, "right", "top"))
    for axes, name in zip(panels, names):
        notes = [(value, share, f"p{share:g} {look.quantity(value, 's')}") for value, share in reversed(marks.get(name, []))]
        look.annotate_apart(axes, notes, 7, beside)
    if classes:
        panels[0].legend(fontsize=7, loc="lower right")
    return figure


LOAD = [("running", "in service", "requests"), ("waiting", "in queue", "requests"), ("kv_tokens", "KV cache held", "tokens"),
        ("power", "power of a GPU", "W")]  # fmt: skip


def draw_load(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    series = trace.get("series")
    if series is None or series.empty:
        return None
    figure, panels = look.figure(width, 6.0, len(LOAD), sharex=True)
    replicas = sorted(series["replica"].unique())
    for axes, (column, label, unit) in zip(panels, LOAD):
        if len(replicas) <= len(look.SHADES):
            for replica, shade, dashes in zip(replicas, look.SHADES[1:] + look.SHADES[:1], look.DASHES):
                own = series[series["replica"] == replica]
                axes.plot(own["time"], own[column], color=shade, linestyle=dashes, linewidth=1, label=f"replica {replica}")
        else:
            own = series.groupby("time")[column]
            axes.fill_between(own.min().index, own.min(), own.max(), color="#bcd4ea", linewidth=0, label="min to max")
            axes.plot(own.mean(), color=look.SHADES[1], linewidth=1, label=f"mean of {len(replicas)} replicas")
        axes.set(ylim=(0, None), title=label, ylabel=unit)
        look.engineering(axes, "y")
    panels[-1].set_xlabel("time, s")
    if len(replicas) > 1:
        look.legend_under(figure, panels[0], 4 if width > 5 else 2)
    return figure


def draw_throughput(traces: Sequence[Trace], width: float = look.WIDE, names: Optional[Sequence[str]] = None) -> Optional[Figure]:
    """Runs as points: what a GPU gives against what a user gets. Up and right is better."""
    found_of = [(name, rates(trace)) for name, trace in zip(names or map(str, range(len(traces))), traces)]
    points = [(name, found) for name, found in found_of if found is not None]
    if not points:
        return None
    figure, axes = look.figure(width, 3.6)
    ordered = sorted((found[1], found[0], str(name)) for name, found in points)
    kept = frontier([(x, y) for x, y, _ in ordered])
    axes.plot(*zip(*kept), color=look.SHADES[1], linewidth=1, label="frontier")
    axes.plot([x for x, _, _ in ordered], [y for _, y, _ in ordered], color=look.SHADES[1], linestyle="none", marker="o", markersize=5)
    axes.set(xlabel="interactivity, tokens/s a user (1 / median TPOT)", ylabel="throughput, output tokens/s a GPU",
             xlim=(0, None), ylim=(0, None))  # fmt: skip
    axes.margins(0.15)
    look.annotate_apart(axes, ordered, 7)
    return figure


def frontier(points: Iterable[Tuple[float, float]]) -> List[Tuple[float, float]]:
    """Those of the points, from the left, that no other is beyond in both directions."""
    kept, best = [], float("-inf")
    for x, y in sorted(points, reverse=True):
        if y > best:
            kept.append((x, y))
            best = y
    return kept[::-1]


def draw_batch(trace: Trace, width: float = look.WIDE) -> Optional[Figure]:
    """How large the batches of decode steps were, weighed by the time they took."""
    steps = trace.get("steps")
    if steps is None or steps.empty:
        return None
    figure, axes = look.figure(width, 3.0)
    most = int((steps["decodes"] + steps["prompts"]).max())
    edges = numpy.arange(0, most + 2) - 0.5 if most <= 60 else numpy.linspace(0, most + 1, 61)
    bottom = numpy.zeros(len(edges) - 1)
    for mask, shade, hatch, label in (
        (steps["prompts"] == 0, "#bcd4ea", "", "decode alone"),
        (steps["prompts"] > 0, "#1b4f8a", "//", "with prompts"),
    ):
        own = steps[mask]
        time, _ = numpy.histogram(own["decodes"] + own["prompts"], edges, weights=own["duration"])
        share = 100 * time / steps["duration"].sum()
        axes.bar(edges[:-1], share, numpy.diff(edges), bottom, align="edge", label=label, **look.bar_style(shade, hatch))
        bottom += share
    axes.set(xlabel="sequences in a step", ylabel="share of the time in steps, %")
    look.whole(axes, "x")
    look.legend_under(figure, axes, 2)
    return figure


def facts(trace: Trace) -> Facts:
    """{name: (value, unit)}"""
    measured = latencies(trace)
    if measured is None:
        return {}
    outcomes = trace["requests"]["outcome"].value_counts()
    found = {"requests": (float(len(trace["requests"])), "")}
    found |= {f"requests {name}": (float(count), "") for name, count in outcomes.items() if name != "done" and count}
    found["measured"] = (float(len(measured)), "")
    for name, label in LATENCIES.items():
        for share in QUANTILES if len(measured) else []:
            found[quantile_name(label, share)] = (quantile(measured[name].dropna(), share), "s")
    both = rates(trace)
    if both is not None:
        found["output tokens/s a GPU"], found["tokens/s a user"] = (both[0], ""), (both[1], "")
    good = within_targets(trace, measured)
    if good == good:
        found["within the targets"] = (100 * good, "%")
    for of, own in measured.groupby("class", sort=False) if measured["class"].any() else ():
        found[f"{of}: measured"] = (float(len(own)), "")
        for name in ("ttft", "tpot", "latency"):
            found[f"{of}: {quantile_name(LATENCIES[name], 0.99)}"] = (quantile(own[name].dropna(), 0.99), "s")
        good = within_targets(trace, own)
        if good == good:
            found[f"{of}: within its targets"] = (100 * good, "%")
    return found
