# SPDX-License-Identifier: MIT
"""What the program answered, as objects. Units are in the names: seconds, bytes, flops, joules, dollars."""
from __future__ import annotations

import pathlib
import tempfile
import weakref
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ._errors import Diagnostic, need
from ._trace import Picture, Trace

Figure = Union[float, int, str, bool, None]


class Figures:
    """Figures as attributes: `run.ttft_seconds`. `figures` has them by name."""

    figures: Dict[str, Figure]

    def __getattr__(self, name: str) -> Any:
        figures = self.__dict__.get("figures", {})
        if name in figures:
            return figures[name]
        near = [known for known in figures if name.strip("_") and name.strip("_") in known]
        hint = f"; there are {', '.join(near[:8])}" if near else ""
        raise AttributeError(f"no figure '{name}'{hint}" if figures else name)

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self.__dict__.get("figures", {})]


class _Folder:
    """Where results lie: a folder that was asked for, or one that goes when nobody needs it any more."""

    def __init__(self, path: Optional[str]) -> None:
        if path is None:
            kept = tempfile.TemporaryDirectory(prefix="cpsim-")
            self.path = pathlib.Path(kept.name)
            self._end = weakref.finalize(self, kept.cleanup)
        else:
            self.path = pathlib.Path(path)


class Run(Figures):
    """A run of one scenario.

    Its figures are attributes (`run.ttft_p99_seconds`); `cpsim describe figures` lists them with units. `phases` of a
    conversation, `stages` of a training run, `classes` of a service and all else is in `json`, as docs/json-output.md has it.
    """

    def __init__(self, json: Dict[str, Any], trace: str, folder: Optional[_Folder], warnings: Sequence[Diagnostic]) -> None:
        self.json = json
        self.figures: Dict[str, Figure] = json["figures"]
        self.title: str = json["title"]
        self.notes: List[str] = json.get("notes", [])
        self.warnings: List[Diagnostic] = list(warnings)
        self.trace_path = trace
        self._folder = folder
        self._trace: Optional[Trace] = None

    @property
    def trace(self) -> Trace:
        """Its trace, read on first use. Needs h5py and pandas."""
        if self._trace is None:
            self._trace = Trace(self.trace_path)
        return self._trace

    @property
    def phases(self) -> List[Dict[str, Any]]:
        """Of a conversation: its prefills and decodes, in order of time."""
        return list(self.json.get("phases", []))

    @property
    def stages(self) -> List[Dict[str, Any]]:
        """Of a training run: the stages of its pipeline."""
        return list(self.json.get("stages", []))

    @property
    def classes(self) -> List[Dict[str, Any]]:
        """Of a service with classes of traffic: the figures of each."""
        return list(self.json.get("classes", []))

    def frame(self, table: Optional[str] = None) -> Any:
        """A pandas.DataFrame: of the figures, one row; or a table of the trace, such as 'requests'."""
        if table is not None:
            return self.trace.frame(table)
        (pandas,) = need("pandas")
        return pandas.DataFrame([self.figures], index=[self.title])

    def plot(self, what: Optional[str] = None) -> Picture:
        """A picture of the trace: `Trace.plot`."""
        return self.trace.plot(what)

    def compare(self, other: Run) -> str:
        """What changed from this run to another, as text."""
        return self.trace.compare(other.trace)

    def __repr__(self) -> str:
        first = [f"{name}={value:.4g}" for name, value in self.figures.items() if isinstance(value, (int, float))][:4]
        return f"Run({self.title!r}: {', '.join(first)}, ...)"


class Point(Figures):
    """A point of a sweep. parameters: what was varied, by key. status: 'done', 'rejected' or 'failed', with the error."""

    def __init__(self, json: Dict[str, Any]) -> None:
        self.json = json
        self.index: int = json["point"]
        self.parameters: Dict[str, Any] = json["parameters"]
        self.figures: Dict[str, Figure] = json.get("figures") or {}
        self.status: str = json["status"]
        self.error: str = json.get("error", "")

    def __repr__(self) -> str:
        return f"Point({self.parameters}, {self.status!r})"


class Sweep:
    """A scenario at many points. path: the folder with sweep.h5, sweep.csv and, when asked for, the traces."""

    def __init__(self, json: Dict[str, Any], folder: _Folder) -> None:
        self.json = json
        self.title: str = json["title"]
        self.points: List[Point] = [Point(point) for point in json["points"]]
        self.path = folder.path
        self._folder = folder

    @property
    def trace(self) -> Trace:
        """sweep.h5. Needs h5py and pandas."""
        return Trace(self.path / "sweep.h5")

    def done(self) -> List[Point]:
        """The points that ran to their end."""
        return [point for point in self.points if point.status == "done"]

    def best(self, metric: str, most: bool = False) -> Point:
        """The point where a figure is least, or most."""
        points = [point for point in self.done() if isinstance(point.figures.get(metric), (int, float))]
        if not points:
            raise ValueError(f"no point has the figure '{metric}'")
        return (max if most else min)(points, key=lambda point: float(point.figures[metric] or 0))

    def frame(self) -> Any:
        """A pandas.DataFrame: a row a point, its parameters, status, error and figures."""
        (pandas,) = need("pandas")
        rows = [{**p.parameters, "status": p.status, "error": p.error, **p.figures} for p in self.points]
        return pandas.DataFrame(rows, index=pandas.Index([p.index for p in self.points], name="point"))

    def plot(self, what: Optional[str] = None, metrics: Sequence[str] = ()) -> Picture:
        """A picture of the sweep: 'effect', 'heat-map' or 'pareto'."""
        return self.trace.plot(what, metrics)

    def __repr__(self) -> str:
        return f"Sweep({self.title!r}: {len(self.done())} of {len(self.points)} points done)"


class Candidate(Figures):
    """What a plan weighed: its parameters, and what was found of it or why it was given up."""

    def __init__(self, json: Dict[str, Any]) -> None:
        self.json = json
        self.parameters: Dict[str, Any] = json["parameters"]
        self.figures: Dict[str, Figure] = {
            key: value for key, value in json.items() if not isinstance(value, (dict, list))
        }

    def __repr__(self) -> str:
        return f"Candidate({self.parameters})"


class Plan:
    """The search for the best layout. winner: None when no candidate will do. path: the folder with plan.csv and winner.yaml."""

    def __init__(self, json: Dict[str, Any], folder: _Folder) -> None:
        self.json = json
        self.title: str = json["title"]
        self.candidates: List[Candidate] = [Candidate(one) for one in json.get("candidates", [])]
        self.winner: Optional[Candidate] = Candidate(json["winner"]) if json.get("winner") else None
        self.path = folder.path
        self._folder = folder

    @property
    def scenario(self) -> str:
        """The path of the winner as a scenario, winner.yaml, to be run or changed."""
        return str(self.path / "winner.yaml")

    def frame(self) -> Any:
        """A pandas.DataFrame: a row a candidate."""
        (pandas,) = need("pandas")
        return pandas.DataFrame([{**one.parameters, **one.figures} for one in self.candidates])

    def __repr__(self) -> str:
        return f"Plan({self.title!r}: {self.winner or 'nothing will do'})"


class Comparison:
    """Predicted against measured. classes: errors by class of kernel or service, as shares. rows: every row with both."""

    def __init__(self, json: Dict[str, Any]) -> None:
        self.json = json
        self.classes: List[Dict[str, Any]] = json.get("classes", [])
        self.rows: List[Dict[str, Any]] = json.get("rows", [])

    def frame(self, what: str = "rows") -> Any:
        """A pandas.DataFrame of 'rows' or 'classes'."""
        (pandas,) = need("pandas")
        return pandas.DataFrame({"rows": self.rows, "classes": self.classes}[what])

    def __repr__(self) -> str:
        worst: List[Tuple[str, float]] = [(str(one["class"]), float(one["median"])) for one in self.classes if one.get("median")]
        return "Comparison(" + ", ".join(f"{name}: median {100 * value:.1f} %" for name, value in worst) + ")"
