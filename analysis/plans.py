# SPDX-License-Identifier: MIT
"""What `cpsim plan` found, as a sweep's points: plan.csv of a service (a row a candidate, until it was given up), of a training run
(a row a priced layout) or of a conversation; the base from winner.yaml beside it."""
from __future__ import annotations

import csv
import pathlib
import re
from typing import Any, List, Sequence

import pandas

from . import cpsim_trace, output, scenario
from .cpsim_trace import Trace

# Columns that are no parameters, in the order in which one asks for them: of a service, a training run, a conversation.
FIGURES = {
    "ttft_p99_seconds": "s", "tpot_p99_seconds": "s", "ttft_seconds": "s", "tpot_seconds": "s", "step_seconds": "s",
    "dollars_per_hour": "$/h", "capacity_requests_per_second": "1/s", "output_tokens_per_second": "1/s", "gpus": "1", "nodes": "1",
    "step_closed_form_seconds": "s", "mfu": "1", "peak_memory_bytes_per_gpu": "B", "memory_bytes_per_gpu": "B",
    "run_undisturbed_seconds": "s", "run_dollars": "$", "seconds": "s",
}  # fmt: skip
WORDS = ("candidate", "state", "rule", "reason", "error", "confirmed", "runs", "played", "keeps")


def is_plan(path: output.Path) -> bool:
    """Whether it is a plan's folder, or its plan.csv."""
    place = pathlib.Path(path)
    return place.suffix == ".csv" or (place.is_dir() and (place / "plan.csv").exists())


def open_trace(path: output.Path) -> Trace:
    """A run, a sweep or a plan, whatever lies there; of the last two also their folder."""
    place = pathlib.Path(path)
    if is_plan(place) or not place.is_dir():
        return load(place) if is_plan(place) else cpsim_trace.load(place)
    if not (place / "sweep.h5").exists():
        raise ValueError(f"{path}: a folder with neither sweep.h5 nor plan.csv; expected a trace, or what cpsim sweep or cpsim plan wrote with -o")
    return cpsim_trace.load(place / "sweep.h5")


def numbers(texts: Sequence[str]) -> List[Any]:
    """Values as they were written; all numbers where all are, quantities in their units' base."""
    values = [scenario.number(float(text) if re.fullmatch(r"[-+.\deE]+", text) else text) for text in texts]
    return list(texts) if None in values else [int(value) if value == int(value) else value for value in values]


def load(path: output.Path) -> Trace:
    """A trace like a sweep's, with one table, points; `texts` keeps parameters as they were written. ValueError: it is no plan.csv."""
    table = pathlib.Path(path)
    table = table / "plan.csv" if table.is_dir() else table
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not {"candidate", "step_closed_form_seconds"} & set(rows[0]):
        raise ValueError(f"{table}: no rows of a plan; expected the plan.csv that cpsim plan -o FOLDER writes")
    keys = [name for name in rows[0] if name not in FIGURES and name not in WORDS]
    reasons = [row.get("reason") or row.get("error") or "" for row in rows]
    points = pandas.DataFrame({"point": range(len(rows)), "replication": 0})
    for key in keys:
        points[key] = numbers([row[key] for row in rows])
    points["run_seed"] = 0
    figures = [name for name in FIGURES if name in rows[0]]
    values = {name: [float(row[name] or "nan") for row in rows] for name in figures}
    asked = figures[0] if figures else ""
    known = [value == value and value > 0 and row.get("state") != "too small" for row, value in zip(rows, values.get(asked, []))]
    points["status"] = ["done" if found else "rejected" for found in known]
    points["error"] = [reason or row.get("rule", "").replace("none", "") for row, reason in zip(rows, reasons)]
    for name in figures:
        points[name] = values[name]
    winner = table.with_name("winner.yaml")
    text = winner.read_text(encoding="utf-8") if winner.exists() else ""
    found = scenario.parse(text)
    trace = Trace({"cpsim_sweep_format": "plan", "title": f"Plan: {str(found.get('title', table)).removesuffix(': the cheapest')}", "winner": text,
                   "sweep": f"base: {found['use']}\n" if "use" in found else ""})  # fmt: skip
    trace["points"] = points
    trace.units["points"] = {**{name: "1" for name in points.columns}, **{name: FIGURES[name] for name in figures}}
    trace.long_names["points"] = {}
    trace.texts = {key: dict(zip(points[key], (row[key] for row in rows))) for key in keys}
    return trace
