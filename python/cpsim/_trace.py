# SPDX-License-Identifier: MIT
"""A trace as pandas has it, and its pictures. Needs h5py and pandas, pictures matplotlib too."""
from __future__ import annotations

import importlib
import io
import os
import pathlib
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ._errors import ScenarioError, need


def analysis(module: str) -> Any:
    """A module of cpsim.analysis, once what it imports is known to be there."""
    need(*(["h5py", "pandas"] if module == "cpsim_trace" else ["h5py", "pandas", "matplotlib"]))
    return importlib.import_module(f"cpsim.analysis.{module}")


class Picture:
    """A drawing: shown by a notebook, kept by `save`; `figure` is matplotlib's."""

    def __init__(self, figure: Any) -> None:
        self.figure = figure

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes it; the name's ending says as what: svg, png, pdf."""
        analysis("look").save(self.figure, path)

    def _repr_svg_(self) -> str:
        text = io.StringIO()
        self.figure.savefig(text, format="svg", bbox_inches="tight")
        return text.getvalue()


class Trace(Mapping[str, Any]):
    """The tables of a trace by name, each a pandas.DataFrame, in SI units: `trace["phases"]`, `trace.frame("requests")`.

    attributes: what the file says of the whole run, by name. docs/trace-format.md has the tables.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], tables: Optional[Sequence[str]] = None) -> None:
        self.path = pathlib.Path(path)
        try:
            self._tables = analysis("cpsim_trace").load(str(path), tables=tables)
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        self.attributes: Dict[str, Any] = self._tables.attributes

    def __getitem__(self, table: str) -> Any:
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"Trace({str(self.path)!r}: {', '.join(self)})"

    def frame(self, table: str) -> Any:
        """A table as a pandas.DataFrame."""
        return self[table]

    def units(self, table: str) -> Dict[str, str]:
        """The unit of each column of a table; '1' has none."""
        return dict(self._tables.units[table])

    def doc(self, table: str) -> Dict[str, str]:
        """What each column of a table says, a sentence each."""
        return dict(self._tables.long_names[table])

    def pictures(self) -> List[str]:
        """What `plot` knows to draw, of a trace that has what it takes."""
        return list(analysis("drawings").DRAWINGS)

    def plot(self, what: Optional[str] = None, metrics: Sequence[str] = ()) -> Picture:
        """Draws it: one of `pictures()`, the first that it has something for when none is named. metrics: of a sweep, the
        column of 'heat-map' and 'effect', the two of 'pareto'."""
        drawings = analysis("drawings")
        if what is not None and what not in drawings.DRAWINGS:
            raise ValueError(f"no picture '{what}'; there are: {', '.join(drawings.DRAWINGS)}")
        lacking = "nothing that can be drawn"
        for name in [what] if what is not None else self._first():
            _, draw, lacking = drawings.DRAWINGS[name]
            try:
                figure = draw(self._tables, *([list(metrics)] if metrics else []))
            except drawings.Refusal as refusal:
                raise ValueError(f"{self.path}: {refusal}") from None
            if figure is not None:
                return Picture(figure)
        raise ValueError(f"{self.path}: nothing to draw: {lacking}")

    def _first(self) -> List[str]:
        if "cpsim_sweep_format" in self.attributes:
            return ["effect", "pareto", "heat-map"]
        return ["latency", "phases", "timeline", "utilisation"]

    def summary(self) -> str:
        """The run in figures, as text."""
        return str(analysis("summary").summary_text(self._tables))

    def compare(self, other: Trace) -> str:
        """What changed from this run to another, and by how much, as text."""
        return str(analysis("summary").comparison_text(self._tables, other._tables))
