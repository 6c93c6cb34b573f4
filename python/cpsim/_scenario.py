# SPDX-License-Identifier: MIT
"""A scenario: a file, a name, or a mapping with the keys of such a file; and changes to it."""
from __future__ import annotations

import contextlib
import copy
import json
import os
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from . import _program

if TYPE_CHECKING:
    from ._errors import Diagnostic
    from ._results import Run

ScenarioLike = Union[str, "os.PathLike[str]", Mapping[str, Any], "Scenario"]


class Scenario:
    """What to simulate, built up in steps. It is never changed: `set` returns another one.

    >>> chat = Scenario("serving-70b-chat").set(layout={"tensor": 8})
    >>> fast = chat.set({"workload.arrivals.rate": "8 /s"})
    >>> own = Scenario(model="llama3-8b", cluster="dgx-h100", layout={"tensor": 1},
    ...                workload={"kind": "conversation", "turns": [{"prompt": "2000 tokens", "output": "64 tokens"}]})

    Values are written as in a file: numbers, names, and quantities with their unit such as "8 /s" or "40 ms".
    """

    def __init__(self, base: Optional[ScenarioLike] = None, **keys: Any) -> None:
        self._changes: Tuple[Tuple[str, Any], ...] = ()
        self._base: Union[str, Dict[str, Any]]
        if isinstance(base, Scenario):
            self._base, self._changes = copy.deepcopy(base._base), base._changes
        elif base is None or isinstance(base, Mapping):
            self._base = {"schema": 1, **copy.deepcopy(dict(base or {}))}
        else:
            self._base = os.fspath(base)
        self._add(keys)

    def _add(self, keys: Mapping[str, Any]) -> None:
        """Into the mapping that it is made of, or behind its file, as --set."""
        for key, value in flatten(keys):
            inner: Any = self._base
            *outer, last = key.split(".")
            for name in outer:
                inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
            if isinstance(inner, dict) and not self._changes:
                inner[last] = value
            else:
                self._changes += ((key, value),)

    def set(self, changes: Optional[Mapping[str, Any]] = None, **keys: Any) -> Scenario:
        """Another scenario with these values changed: `set(layout={"tensor": 8})` or `set({"layout.tensor": 8})`."""
        other = Scenario(self)
        other._add({**(changes or {}), **keys})
        return other

    def check(self) -> List[Diagnostic]:
        """What is wrong with it; nothing when it can be run."""
        from ._calls import check

        return check(self)

    def run(self, **changes: Any) -> Run:
        """Simulates it: `cpsim.run`."""
        from ._calls import run

        return run(self, **changes)

    def text(self) -> str:
        """All of its values as YAML, complete in itself, each with where it came from: `cpsim show`."""
        with written(self) as (words, key_of):
            return _program.call(["show", *words], key_of)[0]

    def __repr__(self) -> str:
        base = repr(self._base)
        return f"Scenario({base})" + "".join(f".set({{{key!r}: {value!r}}})" for key, value in self._changes)


def flatten(keys: Mapping[str, Any], before: str = "") -> Iterator[Tuple[str, Any]]:
    """Keys with dots, and their values, of mappings in mappings."""
    for key, value in keys.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def scalar(value: Any) -> str:
    """A value as YAML on one line: JSON is."""
    if hasattr(value, "item"):  # numpy's numbers
        value = value.item()
    if isinstance(value, pathlib.PurePath):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)


def words_of_changes(changes: Iterator[Tuple[str, Any]]) -> List[str]:
    words = []
    for key, value in changes:
        words += ["--set", f"{key}={value if isinstance(value, str) else scalar(value)}"]
    return words


def emit(value: Any, key: str, indent: int, lines: List[Tuple[str, str]]) -> None:
    """Appends the lines of a mapping or list as (line, the key it is of)."""
    pad = "  " * indent
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    for name, item in items:
        own = f"{key}.{name}" if key else str(name)
        head = f"{pad}- " if not isinstance(value, Mapping) else f"{pad}{scalar(str(name))}:"
        if isinstance(item, (Mapping, list, tuple)) and len(item) > 0:
            lines.append((head.rstrip(), own))
            emit(item, own, indent + 1, lines)
        else:
            lines.append((f"{head} {scalar(item) if not isinstance(item, tuple) else '[]'}", own))


def document(value: Mapping[str, Any], path: pathlib.Path) -> Callable[[int], Optional[str]]:
    """Writes a mapping as YAML; returns what finds the key of a line."""
    lines: List[Tuple[str, str]] = []
    emit(value, "", 0, lines)
    path.write_text("".join(f"{line}\n" for line, _ in lines), encoding="utf-8")
    keys = [key for _, key in lines]
    return lambda line: keys[line - 1] if 0 < line <= len(keys) else None


@contextlib.contextmanager
def written(*scenarios: ScenarioLike, **changes: Any) -> Iterator[Tuple[List[str], Dict[str, Callable[[int], Optional[str]]]]]:
    """The arguments that name scenarios, changed by keywords, to the program; mappings lie in a folder for as long."""
    with tempfile.TemporaryDirectory(prefix="cpsim-") as folder:
        words: List[str] = []
        key_of: Dict[str, Callable[[int], Optional[str]]] = {}
        changed: List[Tuple[str, Any]] = []
        for index, given in enumerate(scenarios):
            scenario = Scenario(given)
            words.append(place(scenario._base, pathlib.Path(folder) / f"scenario{index or ''}.yaml", key_of))
            changed += scenario._changes
        yield [*words, *words_of_changes(iter([*changed, *flatten(changes)]))], key_of


def place(base: Union[str, Mapping[str, Any]], path: pathlib.Path, key_of: Dict[str, Callable[[int], Optional[str]]]) -> str:
    """The path or name of what a scenario begins with."""
    if isinstance(base, str):
        return base
    key_of[str(path)] = document(base, path)
    return str(path)


def shipped(name: str) -> Optional[str]:
    """The path of a scenario, sweep or plan that came with cpsim, by its name."""
    listed = json.loads(_program.call(["scenarios", "--json"])[0])
    wanted = {name, f"{name}.yaml", f"scenarios/{name}", f"scenarios/{name}.yaml"}
    return next((str(one["path"]) for one in listed if one["name"] in wanted), None)


def beside(base: ScenarioLike, folder: pathlib.Path, key_of: Dict[str, Callable[[int], Optional[str]]]) -> Tuple[str, List[str]]:
    """The path that a sweep or plan in `folder` names as its base, and the changes to it as arguments."""
    scenario = Scenario(base)
    path = place(scenario._base, folder / "base.yaml", key_of)
    if not os.path.exists(path):
        path = shipped(path) or path
    return os.path.abspath(path), words_of_changes(iter(scenario._changes))
