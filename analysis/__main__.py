# SPDX-License-Identifier: MIT
"""python3 -m analysis COMMAND ...: from the source tree, or the path of this folder in place of
`-m analysis` from anywhere."""
import argparse
import os
import pathlib
import sys

if not __package__:  # run as a folder
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from analysis import cpsim_trace, figures, guard, look, output, serving, summary, sweep, training  # noqa: E402


class Refusal(Exception):
    """What the user can mend."""


def printable(text):
    """Without what a terminal would obey."""
    return "".join(c if c.isprintable() or c in " \n\t" else c.encode("unicode_escape").decode() for c in text)


def load(path, **what):
    return cpsim_trace.load(path, **what)


def run_summary(arguments):
    for path in arguments.trace:
        trace = load(path)
        print(printable(sweep_text(trace) if sweep.is_sweep(trace) else summary.summary_text(trace)))


def sweep_text(trace):
    counts = ", ".join(f"{count:,} {status}" for status, count in sweep.counts(trace).items())
    return "\n".join([str(trace.attributes["title"]), f"points: {counts}", "", *summary.aligned(sweep.summary_rows(trace))])


def run_compare(arguments):
    print(printable(summary.comparison_text(load(arguments.first), load(arguments.second))))


def run_report(arguments):
    from analysis import report

    path = arguments.output or pathlib.Path(arguments.trace[0]).with_suffix(".html")
    output.refuse_input(path, arguments.trace)
    page = report.page(arguments.trace)
    output.write(path, lambda part: part.write_text(page, encoding="utf-8"))
    print(printable(str(path)))


def draws(draw, needs):
    """A command that draws one figure of each trace."""

    def command(arguments):
        if arguments.output and len(arguments.trace) > 1:
            raise Refusal("-o names one picture; leave it out for several traces")
        chosen = [name for name in (getattr(arguments, "metrics", None) or "").split(",") if name]
        for path in arguments.trace:
            drawn = draw(load(path), *([chosen] if chosen else []))
            if drawn is None:
                raise Refusal(f"{path}: nothing to draw: {needs}")
            picture = arguments.output or f"{pathlib.Path(path).stem}-{arguments.command}.svg"
            output.refuse_input(picture, arguments.trace)
            look.save(drawn, picture)
            print(printable(picture))

    return command


def sweep_only(draw, most_metrics=1):
    def checked(trace, chosen=()):
        if not sweep.is_sweep(trace):
            raise Refusal("this picture is of a sweep: name its sweep.h5")
        if not chosen:
            return draw(trace)
        if len(chosen) != most_metrics:
            raise Refusal(f"this picture is of {most_metrics} metric{'s, a comma between them' if most_metrics > 1 else ''}")
        names = [sweep.known_metric(trace, name) for name in chosen]
        return draw(trace, look.WIDE, names[0] if most_metrics == 1 else tuple(names))

    return checked


def first_of(*draws_in_turn):
    """The first of the pictures that a trace has something for."""

    def draw(*what, **how):
        return next((drawn for drawn in (own(*what, **how) for own in draws_in_turn) if drawn is not None), None)

    return draw


def draw_batch(trace):
    return training.draw_batch(trace) if sweep.is_sweep(trace) else serving.draw_batch(trace)


def run_precisions(arguments):
    from analysis import precision

    for path in arguments.trace:
        points = precision.prepared(load(path))
        if points is not None:
            print("\n".join(precision.table(points)))
    draws(precision.draw, "it has no sweep of 2 points with seconds, memory and quality: {tokens: ...}")(arguments)


def run_throughput(arguments):
    names = [pathlib.Path(path).stem for path in arguments.trace]
    traces = [load(path) for path in arguments.trace]
    drawn = first_of(serving.draw_throughput, training.draw_throughput)(traces, names=names)
    if drawn is None:
        raise Refusal("nothing to draw: none of the traces has requests that got two tokens, or a training step")
    picture = arguments.output or "throughput.svg"
    output.refuse_input(picture, arguments.trace)
    look.save(drawn, picture)
    print(printable(picture))


def run_watch(arguments):
    from analysis import watch

    for text in watch.lines(arguments.trace, arguments.every):
        print(printable(text), flush=True)


def run_scaling(arguments):
    from analysis import scaling

    folder = pathlib.Path(arguments.output or ".")
    folder.mkdir(parents=True, exist_ok=True)
    for path in scaling.draw_all(arguments.cpsim, folder):
        print(printable(str(path)))


TRACES = [("trace", {"nargs": "+", "metavar": "TRACE"})]
COMMANDS = {  # name: (what it says, arguments, function)
    "summary": ("a run in figures: phases, totals, percentiles", TRACES, run_summary),
    "compare": ("what changed between two runs, and by how much",
                [("first", {"metavar": "A"}), ("second", {"metavar": "B"})], run_compare),
    "phases": ("where the time of each phase goes", TRACES, draws(figures.draw_phases, "no phases")),
    "timeline": ("one layer of each phase as it ran; of training, the pipeline's schedule", TRACES,
                 draws(first_of(training.draw_schedule, figures.draw_timeline),
                       "it has no operators; trace: {operators: layer} keeps some")),
    "roofline": ("each kernel's rate against the GPU's limits", TRACES,
                 draws(figures.draw_roofline, "it has no operators; trace: {operators: layer} keeps some")),
    "memory": ("what fills the GPUs' memory", TRACES, draws(first_of(training.draw_memory, figures.draw_memory), "it has no GPUs")),
    "utilisation": ("how busy each GPU is, or each stage of a training step, and with what", TRACES,
                    draws(first_of(training.draw_stages, figures.draw_utilisation), "it has no GPUs")),
    "links": ("how much each link carries of what it could", TRACES, draws(figures.draw_links, "it has no links")),
    "link-series": ("what goes over links as the run goes on", TRACES,
                    draws(figures.draw_link_series, "it has no series of links; trace: {links: series} keeps them")),
    "latency": ("cumulative distributions of a service's latencies, percentiles and targets", TRACES,
                draws(serving.draw_latency, "it has no requests")),
    "throughput": ("services as points: tokens/s of a GPU against tokens/s of a user; training steps: against GPUs", TRACES, run_throughput),
    "load": ("a service's queue, KV cache and power over time", TRACES, draws(serving.draw_load, "it has no series")),
    "batch": ("how large a service's batches are; of a sweep of training, steps and GPU-hours against the batch", TRACES,
              draws(draw_batch, "it is of no service, nor a sweep of training runs to an end with two batches or more")),
    "heat-map": ("a sweep's metric over two of its parameters", TRACES,
                 draws(sweep_only(sweep.draw_heat_map), "the sweep has no two parameters with a grid of values")),
    "effect": ("a sweep's metric against the parameter with the most values", TRACES,
               draws(sweep_only(sweep.draw_effect), "the sweep varies no parameter, or found no number")),
    "pareto": ("which points of a sweep nothing beats in two metrics", TRACES,
               draws(sweep_only(sweep.draw_pareto, 2), "the sweep has no two metrics to weigh, or under 3 points")),
    "precisions": ("which precisions of a sweep nothing beats in time, memory and predicted quality", TRACES,
                   run_precisions),
    "scaling": ("the paper's Figures 6 to 9, simulated beside measured",
                [("cpsim", {"metavar": "CPSIM", "help": "the program"})], run_scaling),
    "watch": ("how far a run is that was started with --watch",
              [("trace", {"metavar": "TRACE"}),
               ("--every", {"type": float, "default": 1.0, "metavar": "SECONDS", "help": "default: 1"})], run_watch),
    "report": ("all of it as one HTML page", TRACES, run_report),
}  # fmt: skip


METRICS = {"heat-map": "NAME", "effect": "NAME", "pareto": "NAME,NAME"}


def parser():
    top = argparse.ArgumentParser(prog="analysis", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (doc, operands, function) in COMMANDS.items():
        command = commands.add_parser(name, help=doc, description=doc)
        for operand, options in operands:
            command.add_argument(operand, **options)
        if function not in (run_summary, run_compare, run_watch):
            command.add_argument("-o", "--output", metavar="FILE", help="default: named after the trace, here")
        if name in METRICS:
            command.add_argument("--metrics", "--metric", metavar=METRICS[name],
                                 help="columns of the sweep; default: the first, and what it costs")  # fmt: skip
        command.set_defaults(function=function)
    return top


def answer(arguments):
    try:
        arguments.function(arguments)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, Refusal) as error:
        print(f"analysis: error: {printable(str(error))}", file=sys.stderr)
        return 2
    except Exception as error:
        if os.environ.get("CPSIM_TRACEBACK") or arguments.function is run_scaling:
            raise
        paths = getattr(arguments, "trace", None) or [arguments.first, arguments.second]
        names = ", ".join(map(str, paths if isinstance(paths, list) else [paths]))
        print(f"analysis: error: {printable(names)}: damaged, or a fault of analysis: {type(error).__name__}: "
              f"{printable(str(error))}; cpsim trace check says which (CPSIM_TRACEBACK=1 shows where)", file=sys.stderr)
        return 2
    return 0


def main(words=None, keep=lambda work: work()):
    """An exit status. `keep` runs what reads files that may be damaged."""
    arguments = parser().parse_args(words)
    if arguments.function in (run_watch, run_scaling):  # the one reads what grows, the other runs cpsim itself
        return answer(arguments)
    return keep(lambda: answer(arguments))


if __name__ == "__main__":
    sys.exit(main(keep=guard.run))
