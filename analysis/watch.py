# SPDX-License-Identifier: MIT
"""A run as it goes on: reads FILE.live, which `cpsim run --watch` lets grow beside its trace, and
says now and then how far it has come. Ends with the run."""
from __future__ import annotations

import pathlib
import time
from typing import Any, Iterator, Tuple

import h5py

from .output import Path

PATIENCE_SECONDS = 10.0  # for the run to begin
GROWING = {"steps": "start", "phases": "start", "operators": "start"}  # tables, and their column of times


def live_path(path: Path) -> Tuple[pathlib.Path, pathlib.Path]:
    """FILE.live of FILE, FILE.part or FILE.live."""
    name = str(path).removesuffix(".live").removesuffix(".part")
    return pathlib.Path(f"{name}.live"), pathlib.Path(name)


def open_live(path: Path) -> h5py.File:
    return h5py.File(path, "r", libver="latest", swmr=True)


def last(table: h5py.Group, column: str) -> Any:
    """The newest value of a column; None: it has none yet."""
    dataset = table[column]
    dataset.refresh()
    return dataset[-1] if len(dataset) else None


def line(file: h5py.File) -> str:
    """What there is by now, in words; "" before the first row."""
    times = {name: last(file[name], column) for name, column in GROWING.items()}
    counts = {name: len(file[name][GROWING[name]]) for name, time in times.items() if time is not None}
    if not counts:
        return ""
    words = [f"simulated {max(float(times[name]) for name in counts):,.1f} s"]
    words += [f"{count:,} rows of {name}" for name, count in counts.items()]
    if "steps" in counts:
        values = [last(file["steps"], column) for column in ("decodes", "prompts", "waiting", "kv_tokens")]
        if None not in values:  # columns grow one after the other
            words.append("{:,} decode, {:,} prompts, {:,} wait, KV {:,} tokens".format(*map(int, values)))
    return ", ".join(words)


def lines(path: Path, every: float = 1.0, patience: float = PATIENCE_SECONDS) -> Iterator[str]:
    """A line whenever something was added, until the run ends."""
    live, whole = live_path(path)
    begun = time.monotonic()
    while not live.exists():
        if whole.exists():
            yield f"{whole} is whole: nothing writes it"
            return
        if time.monotonic() - begun > patience:
            raise ValueError(f"{live}: not there; start the run with: cpsim run SCENARIO -o {whole} --watch")
        time.sleep(0.05)
    with open_live(live) as file:
        said = ""
        while live.exists():
            now = line(file)
            if now != said:
                yield now
                said = now
            time.sleep(every)
    yield f"{whole} is whole" if whole.exists() else f"the run was broken off; {whole}.part has what it wrote, if it could"
