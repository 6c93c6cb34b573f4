# SPDX-License-Identifier: MIT
"""python3 -m analysis COMMAND ...: from the source tree, or the path of this folder in place of
`-m analysis` from anywhere."""
from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

if not __package__:  # run as a folder
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
    __package__ = "analysis"
    import analysis  # noqa: F401

try:
    from . import cpsim_trace, drawings, guard, look, output, plans, summary, sweep
    from .cpsim_trace import Trace
    from .output import Path
except ModuleNotFoundError as missing:
    sys.exit(f"analysis: error: {sys.executable} (Python {sys.version.split()[0]}) has no {missing.name}; it needs h5py, pandas and "
             "matplotlib (Debian: python3-h5py, python3-pandas, python3-matplotlib; pip install 'cpsim[analysis]')")  # fmt: skip


Refusal = drawings.Refusal
Command = Callable[[argparse.Namespace], None]


def printable(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(c if c.isprintable() or c in " \n\t" else c.encode("unicode_escape").decode() for c in text)


def load(path: Path, **what: Any) -> Trace:
    return cpsim_trace.load(path, **what) if what else plans.open_trace(path)


def run_summary(arguments: argparse.Namespace) -> None:
    for path in arguments.trace:
        trace = load(path)
        print(printable(sweep_text(trace) if sweep.is_sweep(trace) else summary.summary_text(trace)))


def sweep_text(trace: Trace) -> str:
    counts = ", ".join(f"{count:,} {status}" for status, count in sweep.counts(trace).items())
    return "\n".join([str(trace.attributes["title"]), f"points: {counts}", "", *summary.aligned(sweep.summary_rows(trace))])


def run_compare(arguments: argparse.Namespace) -> None:
    print(printable(summary.comparison_text(load(arguments.first), load(arguments.second))))


def run_report(arguments: argparse.Namespace) -> None:
    from . import report

    path = arguments.output or pathlib.Path(arguments.trace[0]).with_suffix(".html")
    output.refuse_input(path, arguments.trace)
    page = report.page(arguments.trace, arguments.interactive)
    output.write(path, lambda part: part.write_text(page, encoding="utf-8"))
    print(printable(str(path)))


def draws(name: str) -> Command:
    """A command that draws one figure of each trace."""
    _, draw, needs = drawings.DRAWINGS[name]

    def command(arguments: argparse.Namespace) -> None:
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


def run_precisions(arguments: argparse.Namespace) -> None:
    from . import precision

    for path in arguments.trace:
        points = precision.prepared(load(path))
        if points is not None:
            print("\n".join(precision.table(points)))
    draws("precisions")(arguments)


def run_throughput(arguments: argparse.Namespace) -> None:
    names = [pathlib.Path(path).stem for path in arguments.trace]
    traces = [load(path) for path in arguments.trace]
    drawn = drawings.draw_throughput(traces, names=names)
    if drawn is None:
        raise Refusal("nothing to draw: none of the traces has requests that got two tokens, or a training step")
    picture = arguments.output or "throughput.svg"
    output.refuse_input(picture, arguments.trace)
    look.save(drawn, picture)
    print(printable(picture))


def run_watch(arguments: argparse.Namespace) -> None:
    from . import watch

    for text in watch.lines(arguments.trace, arguments.every):
        print(printable(text), flush=True)


def run_scaling(arguments: argparse.Namespace) -> None:
    from . import scaling

    folder = pathlib.Path(arguments.output or ".")
    folder.mkdir(parents=True, exist_ok=True)
    for path in scaling.draw_all(arguments.cpsim, folder):
        print(printable(str(path)))


def run_nsight(arguments: argparse.Namespace) -> None:
    from . import nsight

    for path in arguments.trace:
        whole = nsight.trace(pathlib.Path(path))
        target = arguments.output or f"{pathlib.Path(path).stem}.json"
        output.refuse_input(target, arguments.trace)
        text = json.dumps(whole, allow_nan=False)
        output.write(target, functools.partial(pathlib.Path.write_text, data=text, encoding="utf-8"))
        print(printable(str(target)))


Operands = Sequence[Tuple[str, Dict[str, Any]]]
TRACES: Operands = [("trace", {"nargs": "+", "metavar": "TRACE"})]
COMMANDS: Dict[str, Tuple[str, Operands, Command]] = {  # name: (what it says, arguments, function)
    "summary": ("a run in figures: phases, totals, percentiles", TRACES, run_summary),
    "compare": ("what changed between two runs, and by how much",
                [("first", {"metavar": "A"}), ("second", {"metavar": "B"})], run_compare),
    **{name: (doc, TRACES, draws(name)) for name, (doc, _, _) in drawings.DRAWINGS.items() if name != "precisions"},
    "throughput": ("services as points: tokens/s of a GPU against tokens/s of a user; training steps: against GPUs", TRACES,
                   run_throughput),
    "precisions": (drawings.DRAWINGS["precisions"][0], TRACES, run_precisions),
    "scaling": ("the paper's Figures 6 to 9, simulated beside measured",
                [("cpsim", {"metavar": "CPSIM", "help": "the program"})], run_scaling),
    "watch": ("how far a run is that was started with --watch",
              [("trace", {"metavar": "TRACE"}),
               ("--every", {"type": float, "default": 1.0, "metavar": "SECONDS", "help": "default: 1"})], run_watch),
    "nsight": ("a profile of Nsight Systems (nsys export --type sqlite) as a file that cpsim compare reads",
               [("trace", {"nargs": "+", "metavar": "PROFILE"})], run_nsight),
    "report": ("all of it as one HTML page",
               [*TRACES, ("--interactive", {"action": "store_true",
                                            "help": "also pictures that answer a pointer, by plotly in the page (3 MB)"})], run_report),
}  # fmt: skip


METRICS = {"heat-map": "NAME", "effect": "NAME", "pareto": "NAME,NAME"}


def parser() -> argparse.ArgumentParser:
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


def answer(arguments: argparse.Namespace) -> int:
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


def main(words: Optional[List[str]] = None, keep: Callable[[Callable[[], int]], int] = lambda work: work()) -> int:
    """An exit status. `keep` runs what reads files that may be damaged."""
    arguments = parser().parse_args(words)
    if arguments.function in (run_watch, run_scaling):  # the one reads what grows, the other runs cpsim itself
        return answer(arguments)
    return keep(lambda: answer(arguments))


def console() -> None:
    sys.exit(main(keep=guard.run))


if __name__ == "__main__":
    console()
