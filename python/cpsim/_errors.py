# SPDX-License-Identifier: MIT
"""What can go wrong, with all that the program said of it and where."""
from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from types import ModuleType
from typing import Callable, Dict, List, Mapping, Optional, Sequence


@dataclasses.dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong, or that one should know.

    file, line, column: its place, lines and columns from 1; None where it has none. key: of a scenario given as a
    mapping or changed by keywords, the key in question, such as 'layout.tensor'. severity: 'error' or 'warning'.
    """

    message: str
    severity: str = "error"
    file: Optional[str] = None
    line: Optional[int] = None
    column: Optional[int] = None
    key: Optional[str] = None

    def __str__(self) -> str:
        if self.file is not None:
            place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        else:
            place = self.key or "cpsim"
        return f"{place}: {self.severity}: {self.message}"


class CpsimError(Exception):
    """Any error of cpsim; `diagnostics` is all that was said, in order."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics: List[Diagnostic] = list(diagnostics)


class ScenarioError(CpsimError, ValueError):
    """The input is wrong (exit status 2): every diagnostic has its place."""


class SimulationError(CpsimError, RuntimeError):
    """The run failed (exit status 1, or a signal)."""


class ProgramNotFoundError(CpsimError, FileNotFoundError):
    """The program `cpsim` is nowhere to be found."""


class MissingModuleError(CpsimError, ImportError):
    """This interpreter lacks a module that is only needed for what was asked."""


# A place, which may have colons of its own (C:\...), then the severity and the sentence.
_LINE = re.compile(r"^(?P<place>.*?): (?P<severity>error|warning): (?P<message>.*)$")
_PLACE = re.compile(r"^(?P<file>.+?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?$")
_SET = re.compile(r"^--set (?P<key>[^=]+)=")


def parse(text: str, key_of: Mapping[str, Callable[[int], Optional[str]]]) -> List[Diagnostic]:
    """The diagnostics in what the program wrote to stderr. key_of: of files that stand for a mapping, what finds the
    key of a line; their diagnostics have no file."""
    found: List[Diagnostic] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        place, severity, message = match["place"], match["severity"], match["message"]
        change = _SET.match(place)
        where = _PLACE.match(place)
        if change is not None:
            found.append(Diagnostic(message, severity, key=change["key"]))
        elif place == "cpsim" or where is None:
            found.append(Diagnostic(message, severity))
        elif where["file"] in key_of:
            key = key_of[where["file"]](int(where["line"])) if where["line"] else None
            found.append(Diagnostic(message, severity, key=key))
        else:
            numbers = [int(where[name]) if where[name] else None for name in ("line", "column")]
            found.append(Diagnostic(message, severity, where["file"], numbers[0], numbers[1]))
    return found


_PACKAGES: Dict[str, str] = {"h5py": "python3-h5py", "pandas": "python3-pandas", "matplotlib": "python3-matplotlib"}


def need(*names: str) -> List[ModuleType]:
    """The modules of these names; MissingModuleError says which interpreter lacks which of them."""
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        debian = " ".join(_PACKAGES.get(name, name) for name in missing)
        raise MissingModuleError(
            f"{sys.executable} (Python {sys.version.split()[0]}) has no {' and no '.join(missing)}; "
            f"pip install {' '.join(missing)}, or on Debian apt-get install {debian}"
        )
    return [importlib.import_module(name) for name in names]
