# SPDX-License-Identifier: MIT
"""The questions one can ask, each a call of the program."""
from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from . import _program
from ._errors import Diagnostic, ScenarioError
from ._results import Comparison, Plan, Run, Sweep, _Folder
from ._scenario import Scenario, ScenarioLike, beside, document, flatten, words_of_changes, written
from ._trace import Trace

PathLike = Union[str, "os.PathLike[str]"]


def run(scenario: ScenarioLike, *, trace: Optional[PathLike] = None, **changes: Any) -> Run:
    """Simulates a scenario.

    scenario: a path, the name of one that came with cpsim, a mapping or a `Scenario`. changes: values to change, by key:
    `layout={"tensor": 8}`, `model="qwen3-8b"`, `**{"workload.arrivals.rate": "8 /s"}`. trace: where the trace (HDF5) goes;
    else it goes with the result. Raises ScenarioError with every diagnostic when it is wrong, SimulationError when it fails.
    """
    folder = None if trace is not None else _Folder(None)
    path = os.fspath(trace) if trace is not None else str(folder.path / "run.h5") if folder is not None else ""
    with written(scenario, **changes) as (words, key_of):
        out, warnings = _program.call(["run", *words, "--json", "-o", path], key_of)
    return Run(json.loads(out), path, folder, warnings)


def check(*scenarios: ScenarioLike, **changes: Any) -> List[Diagnostic]:
    """What is wrong with scenarios, sweeps or plans, all of it at once, and warnings; nothing when they can be run."""
    with written(*scenarios, **changes) as (words, key_of):
        try:
            return _program.call(["check", *words], key_of)[1]
        except ScenarioError as error:
            return error.diagnostics


def sweep(
    scenario: ScenarioLike,
    axes: Optional[Mapping[str, Any]] = None,
    *,
    where: Sequence[str] = (),
    replications: int = 1,
    traces: bool = False,
    output: Optional[PathLike] = None,
    jobs: Optional[int] = None,
    **changes: Any,
) -> Sweep:
    """Runs a scenario at many points.

    axes: keys with a list of values each; every value goes with every other. Without: `scenario` is a sweep file, or a
    mapping as one ('base', 'axes'; `cpsim describe sweep`). where: conditions that a point must meet, such as
    'tensor * data <= gpus'. replications: runs of each point, each of another seed. output: the folder of the results,
    which goes on where it was stopped; else it goes with the result. jobs: processes, as many as processors by default.
    """
    document_of: Union[PathLike, Mapping[str, Any]]
    if axes is not None:
        document_of = {"base": scenario, "axes": {"grid": {key: list(values) for key, values in axes.items()}}}
        document_of.update({"where": list(where)} if where else {})
        document_of.update({"replications": replications} if replications != 1 else {})
        document_of.update({"traces": True} if traces else {})
    elif isinstance(scenario, Scenario):
        raise TypeError("a Scenario is swept over axes: sweep(scenario, {'layout.tensor': [1, 2]})")
    else:
        document_of = scenario
    folder = _Folder(None if output is None else os.fspath(output))
    return Sweep(_search("sweep", document_of, folder, jobs, changes), folder)


def plan(
    plan: Union[PathLike, Mapping[str, Any]],
    *,
    output: Optional[PathLike] = None,
    jobs: Optional[int] = None,
    **changes: Any,
) -> Plan:
    """Finds the cheapest layout of a service, or the best of a training run.

    plan: a plan file, its name, or a mapping as one (`cpsim describe plan`, `cpsim describe training-plan`) whose 'base'
    may be a path, a mapping or a `Scenario`. output, jobs: as of `sweep`. changes: of its base.
    """
    folder = _Folder(None if output is None else os.fspath(output))
    return Plan(_search("plan", plan, folder, jobs, changes), folder)


def _search(
    command: str,
    given: Union[PathLike, Mapping[str, Any]],
    folder: _Folder,
    jobs: Optional[int],
    changes: Mapping[str, Any],
) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cpsim-") as place:
        key_of: Dict[str, Callable[[int], Optional[str]]] = {}
        words: List[str] = []
        if isinstance(given, Mapping):
            path = pathlib.Path(place) / f"{command}.yaml"
            base, words = beside(given["base"], pathlib.Path(place), key_of)
            whole = {"schema": 1, **given, "base": base}
            if isinstance(given["base"], (str, os.PathLike)) and "title" not in given:
                whole["title"] = pathlib.Path(base).stem
            key_of[str(path)] = document(whole, path)
            name = str(path)
        else:
            name = os.fspath(given)
        words += words_of_changes(flatten(changes))
        words += [] if jobs is None else ["-j", str(jobs)]
        out, _ = _program.call([command, name, *words, "--json", "-o", str(folder.path)], key_of)
    answer: Dict[str, Any] = json.loads(out)
    return answer


def compare(
    *tables: PathLike,
    gpu: Optional[str] = None,
    cluster: Optional[str] = None,
    software: Optional[str] = None,
    scenario: Optional[PathLike] = None,
    **changes: Any,
) -> Comparison:
    """Predicts what was measured: tables of kernels, collectives and steps (CSV), output of nccl-tests, traces of PyTorch's
    profiler, and with `scenario` what clients of a service wrote. docs/compare.md has the kinds. Two runs are compared by
    `Run.compare`. Profiles of Nsight Systems (nsys export --type sqlite) are read too."""
    with tempfile.TemporaryDirectory(prefix="cpsim-") as place:
        words = [_readable(table, pathlib.Path(place) / f"{i}-{pathlib.Path(table).stem}.json") for i, table in enumerate(tables)]
        return _compare(words, gpu, cluster, software, scenario, changes)


def _readable(table: PathLike, converted: pathlib.Path) -> str:
    """The path of what the program reads: the table, or an Nsight profile converted."""
    from .analysis import nsight

    if not pathlib.Path(table).is_file() or not nsight.is_export(pathlib.Path(table)):
        return os.fspath(table)
    converted.write_text(json.dumps(nsight.trace(pathlib.Path(table))), encoding="utf-8")
    return str(converted)


def _compare(
    words: List[str],
    gpu: Optional[str],
    cluster: Optional[str],
    software: Optional[str],
    scenario: Optional[PathLike],
    changes: Mapping[str, Any],
) -> Comparison:
    for option, value in (("--gpu", gpu), ("--cluster", cluster), ("--software", software), ("--scenario", scenario)):
        words += [option, os.fspath(value)] if value is not None else []
    return Comparison(json.loads(_program.call(["compare", *words, *words_of_changes(flatten(changes)), "--json"])[0]))


def load(path: PathLike, tables: Optional[Sequence[str]] = None) -> Trace:
    """The trace at a path, or the results of a sweep (sweep.h5). tables: the names of those to read; all by default. Needs
    h5py and pandas. ScenarioError when it is no trace, OSError when it cannot be read."""
    return Trace(path, tables)
