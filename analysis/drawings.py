# SPDX-License-Identifier: MIT
"""What can be drawn of one trace: a table of figures, for the commands and for who asks from Python."""
from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from matplotlib.figure import Figure

from . import figures, look, serving, sweep, training
from .cpsim_trace import Trace

Draw = Callable[..., Optional[Figure]]


class Refusal(Exception):
    """What the user can mend."""


def sweep_only(draw: Draw, most_metrics: int = 1) -> Draw:
    def checked(trace: Trace, chosen: Sequence[str] = ()) -> Optional[Figure]:
        if not sweep.is_sweep(trace):
            raise Refusal("this picture is of a sweep: name its sweep.h5")
        if not chosen:
            return draw(trace)
        if len(chosen) != most_metrics:
            raise Refusal(f"this picture is of {most_metrics} metric{'s, a comma between them' if most_metrics > 1 else ''}")
        names = [sweep.known_metric(trace, name) for name in chosen]
        return draw(trace, look.WIDE, names[0] if most_metrics == 1 else tuple(names))

    return checked


def first_of(*draws_in_turn: Draw) -> Draw:
    """The first of the pictures that a trace has something for."""

    def draw(*what: Any, **how: Any) -> Optional[Figure]:
        return next((drawn for drawn in (own(*what, **how) for own in draws_in_turn) if drawn is not None), None)

    return draw


def draw_batch(trace: Trace) -> Optional[Figure]:
    return training.draw_batch(trace) if sweep.is_sweep(trace) else serving.draw_batch(trace)


def draw_precisions(trace: Trace) -> Optional[Figure]:
    from . import precision

    return precision.draw(trace)


def draw_quantisation(trace: Trace) -> Optional[Figure]:
    from . import precision

    return precision.draw_quantisation(trace)


draw_throughput = first_of(serving.draw_throughput, training.draw_throughput)  # of several traces

NO_OPERATORS = "it has no operators; trace: {operators: layer} keeps some"
DRAWINGS: Dict[str, Tuple[str, Draw, str]] = {  # name: (what it says, what draws it: a figure or None, what a trace lacks of which nothing is drawn)
    "phases": ("where the time of each phase goes", figures.draw_phases, "no phases"),
    "timeline": ("one layer of each phase as it ran; of training, the pipeline's schedule",
                 first_of(training.draw_schedule, figures.draw_timeline), NO_OPERATORS),
    "roofline": ("each kernel's rate against the GPU's limits", figures.draw_roofline, NO_OPERATORS),
    "memory": ("what fills the GPUs' memory", first_of(training.draw_memory, figures.draw_memory), "it has no GPUs"),
    "utilisation": ("how busy each GPU is, or each stage of a training step, and with what",
                    first_of(training.draw_stages, figures.draw_utilisation), "it has no GPUs"),
    "links": ("how much each link carries of what it could", figures.draw_links, "it has no links"),
    "link-series": ("what goes over links as the run goes on", figures.draw_link_series,
                    "it has no series of links; trace: {links: series} keeps them"),
    "latency": ("cumulative distributions of a service's latencies, percentiles and targets", serving.draw_latency,
                "it has no requests"),
    "load": ("a service's queue, KV cache and power over time", serving.draw_load, "it has no series"),
    "batch": ("how large a service's batches are; of a sweep of training, steps and GPU-hours against the batch", draw_batch,
              "it is of no service, nor a sweep of training runs to an end with two batches or more"),
    "heat-map": ("a sweep's metric over two of its parameters", sweep_only(sweep.draw_heat_map),
                 "the sweep has no two parameters with a grid of values"),
    "effect": ("a sweep's metric against the parameter with the most values", sweep_only(sweep.draw_effect),
               "the sweep varies no parameter, or found no number"),
    "pareto": ("which points of a sweep nothing beats in two metrics", sweep_only(sweep.draw_pareto, 2),
               "the sweep has no two metrics to weigh, or under 3 points"),
    "precisions": ("which precisions of a sweep nothing beats in time, memory and predicted quality", draw_precisions,
                   "it has no sweep of 2 points with seconds, memory and quality: {tokens: ...}"),
    "quantisation": ("a law's loss over bits and training tokens, and where more tokens make a narrowed model worse",
                     draw_quantisation, "it has no sweep of quality.weight_bits and quality.tokens, three values of each"),
}  # fmt: skip
