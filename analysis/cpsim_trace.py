# SPDX-License-Identifier: MIT
"""Reads a trace of cpsim into pandas: docs/trace-format.md says what is in it.

    import cpsim_trace

    trace = cpsim_trace.load("run.h5")
    trace["phases"][["name", "latency"]]
    trace["operators"].groupby("kind", observed=True)["duration"].sum()
    trace.attributes["scenario"]
    trace.units["operators"]["duration"]        # "s"

As a program, `python3 analysis/cpsim_trace.py run.h5` prints the phases and where their time went.
"""
from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Union

import h5py
import pandas

Path = Union[str, "os.PathLike[str]"]
FORMAT_MAJOR = "1"
FORMATS = ["cpsim_format", "cpsim_sweep_format"]  # of a run, of a sweep


class NotATrace(ValueError):
    """Of another format, or of none."""


class Trace(Dict[str, Any]):
    """DataFrames by the name of their table, with what the file says of them:
    attributes: of the root, by name; units and long_names: by table, then column."""

    def __init__(self, attributes: Dict[str, Any]) -> None:
        super().__init__()
        self.attributes = attributes
        self.units: Dict[str, Dict[str, str]] = {}
        self.long_names: Dict[str, Dict[str, str]] = {}
        self.texts: Dict[str, Dict[Any, str]] = {}  # of a plan: parameters as they were written, by value


def _column(dataset: h5py.Dataset, rows: slice) -> Any:
    """A column as pandas likes it: enums and names become categoricals."""
    members = h5py.check_enum_dtype(dataset.dtype)
    if members is not None:
        categories = [name for name, _ in sorted(members.items(), key=lambda member: member[1])]
        return pandas.Categorical.from_codes(dataset[rows].astype("int16"), categories)
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return dataset.asstr()[rows]
    if "categories" in dataset.attrs:
        return pandas.Categorical.from_codes(dataset[rows].astype("int32"), list(dataset.attrs["categories"]))
    return dataset[rows]


def load(path: Path, tables: Optional[Sequence[str]] = None, columns: Optional[Sequence[str]] = None, rows: slice = slice(None)) -> Trace:
    """The trace at `path`, or the results of a sweep (sweep.h5). `tables` (names), `columns` (names, in every table that has them) and
    `rows` (a slice, of every table) read less of a large file. ValueError when it is no trace of
    format 1."""
    try:
        return _load(path, tables, columns, rows)
    except NotATrace:
        raise
    except OSError as error:
        raise OSError(f"{path}: cannot be read: {error}") from None
    except Exception as error:  # whatever h5py and pandas say of bytes that were changed
        raise ValueError(f"{path}: damaged: {type(error).__name__}: {error}; cpsim trace check says more") from None


def _load(path: Path, tables: Optional[Sequence[str]], columns: Optional[Sequence[str]], rows: slice) -> Trace:
    with h5py.File(path, "r") as file:
        version = next((str(file.attrs[name]) for name in FORMATS if name in file.attrs), "none")
        if version.split(".")[0] != FORMAT_MAJOR:
            raise NotATrace(f"{path}: the trace format is {version}, this reader knows {FORMAT_MAJOR}.x")
        trace = Trace({name: value for name, value in file.attrs.items()})
        for name in tables if tables is not None else [name for name in file if name != "traces"]:
            wanted = {
                column: dataset
                for column, dataset in file[name].items()
                if columns is None or column in columns
            }
            trace[name] = pandas.DataFrame(
                {column: _column(dataset, rows) for column, dataset in wanted.items()}
            )
            trace.units[name] = {column: dataset.attrs["units"] for column, dataset in wanted.items()}
            trace.long_names[name] = {
                column: dataset.attrs["long_name"] for column, dataset in wanted.items()
            }
    return trace


def phases_of(trace: Trace) -> Any:
    """The phases of a run; without a service's steps that show those alike, which are no parts of it. None: there are none."""
    phases = trace.get("phases")
    return phases if phases is None or "kind" not in phases else phases[phases["kind"] != "serving_step"]


PARTS = ["gemm", "attention", "memory_kernels", "tp_collective", "ring_exposed", "host", "other"]


def describe(trace: Trace) -> str:
    """The phases, one line each: latency, and the parts of the duration as percentages."""
    phases = trace["phases"]
    shares = phases[PARTS].div(phases["duration"], axis=0) * 100
    table = pandas.concat([phases[["name", "new_tokens", "cached_tokens", "ring", "latency"]], shares], axis=1)
    return str(table.to_string(index=False, formatters={part: "{:.1f} %".format for part in PARTS}))


def main(arguments: List[str]) -> int:
    if len(arguments) != 1:
        print("usage: cpsim_trace.py FILE", file=sys.stderr)
        return 2
    try:
        print(describe(load(arguments[0], tables=["phases"])))
    except (OSError, ValueError) as error:
        print(f"cpsim_trace: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
