# SPDX-License-Identifier: MIT
"""One picture of how right cpsim is: every validated time, simulated against measured.

Rows come from where they are validated: `cpsim compare` on the measured tables, tests/validation/paper.py, and what
the validation tests of services and of training print. Nothing is kept between runs.
"""
from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from typing import Dict, Iterator, List, Tuple

from matplotlib import ticker
from matplotlib.figure import Figure

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests" / "validation"))

import measured  # noqa: E402
import paper  # noqa: E402

from analysis import look  # noqa: E402

Times = Tuple[str, float, float]  # group, measured and simulated seconds
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
KERNELS = "kernels and layers, H100 and H200"
COLLECTIVES = "collectives, 2 to 1,024 GPUs"
SERVING = "services: TTFT and TPOT, vLLM"
TRAINING = "training: time of a token or a step"
CONTEXT = "context parallelism, Llama 3 405B, to 1M tokens"
# Shade, marker; the order in which they are drawn.
GROUPS = {
    KERNELS: ("#bcd4ea", "o"),
    COLLECTIVES: ("#888888", "^"),
    SERVING: ("#b5432a", "s"),
    TRAINING: ("#2e8b57", "D"),
    CONTEXT: ("#000000", "o"),
}


def of_tables(cpsim: str) -> Iterator[Times]:
    for name, result in measured.compare_all(cpsim).items():
        for row in result["rows"]:
            is_time = {"us", "microseconds"} & set(row["column"].split("_"))
            if row["counts"] and is_time:
                yield COLLECTIVES if name == "collectives" else KERNELS, row["measured"] * 1e-6, row["predicted"] * 1e-6


def of_paper(cpsim: str) -> Iterator[Times]:
    for row in paper.load(cpsim):
        if row["unit"] in UNITS:
            yield CONTEXT, row["measured"] * UNITS[row["unit"]], row["simulated"] * UNITS[row["unit"]]


def printed(cpsim: str, test: str) -> List[str]:
    path = pathlib.Path(cpsim).resolve().parent / "tests" / test
    done = subprocess.run([path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{path}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def of_services(cpsim: str) -> Iterator[Times]:
    for line in printed(cpsim, "test_validate_serving"):
        times = [float(figure) * 1e-3 for figure in re.findall(r"([\d.]+) ms", line)]
        if len(times) == 4:
            yield SERVING, times[0], times[1]
            yield SERVING, times[2], times[3]


def of_training(cpsim: str) -> Iterator[Times]:
    """Tokens a second of a GPU as the time of one token; steps as they are."""
    for line in printed(cpsim, "test_training_tables"):
        rates = re.search(r" measured +(\d+) simulated +(\d+) ", line)
        if rates:
            yield TRAINING, 1.0 / float(rates[1]), 1.0 / float(rates[2])
    for line in printed(cpsim, "test_training_pytorch"):
        times = re.search(r" measured +([\d.]+) ms simulated +([\d.]+) ", line)
        if times:
            yield TRAINING, float(times[1]) * 1e-3, float(times[2]) * 1e-3


def draw(cpsim: str) -> Figure:
    points: Dict[str, List[List[float]]] = {name: [] for name in GROUPS}
    for source in (of_tables, of_paper, of_services, of_training):
        found = list(source(cpsim))
        if not found:
            sys.exit(f"accuracy: {source.__name__} found no rows")
        for group, measured_seconds, simulated_seconds in found:
            points[group].append([measured_seconds, simulated_seconds])
    drawn, axes = look.figure(look.WIDE, 5.0)
    for name, (shade, marker) in GROUPS.items():
        times = points[name]
        axes.plot(*zip(*times), marker, ms=4, mfc=shade, mec="#000000", mew=0.3, ls="", label=f"{name} ({len(times)})")
    ends = [1e-6, 200.0]
    axes.plot(ends, ends, color="#000000", lw=0.8)
    for share in (0.8, 1.25):
        axes.plot(ends, [share * end for end in ends], color="#888888", lw=0.6, ls="--")
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    ticks = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100]
    names = ["1 us", "10 us", "100 us", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"]
    for axis in ("x", "y"):
        getattr(axes, f"set_{axis}scale")("log")
        getattr(axes, f"set_{axis}ticks")(ticks, names)
        getattr(axes, f"{axis}axis").set_minor_locator(ticker.NullLocator())
    axes.set_xlabel("measured")
    axes.set_ylabel("simulated")
    axes.legend(loc="upper left")
    axes.annotate("dashed: 20 % less, 25 % more", (1.5e-2, 3e-6), fontsize=7.5)
    return drawn
