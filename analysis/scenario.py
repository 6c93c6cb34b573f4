# SPDX-License-Identifier: MIT
"""The resolved scenario that a trace carries, as dictionaries: the block YAML that cpsim writes, not
YAML at large (python3-yaml reads it too, but then everybody would need it)."""
from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterable, List, Optional, Tuple

# Into the trace's units: seconds, bytes, FLOP. cpsim's own units, docs/scenario-reference.md.
PREFIXES = {"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "K": 1e3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
            "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
BASES = {"B": 1, "B/s": 1, "b/s": 1 / 8, "FLOP/s": 1, "s": 1, "Hz": 1, "W": 1, "tokens": 1, "min": 60, "h": 3600}


def _scalar(text: str) -> Any:
    if text[:1] == '"':
        return json.loads(text)
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False, "{}": {}, "[]": []}.get(text, text)


def _block(lines: List[Tuple[int, str]], position: int, indent: int) -> Tuple[Any, int]:
    """The mapping or list whose lines begin `indent` deep; (value, next position)."""
    is_list = lines[position][1].startswith("- ") or lines[position][1] == "-"
    result: Any = [] if is_list else {}
    while position < len(lines) and lines[position][0] == indent:
        text = lines[position][1]
        if is_list:
            rest = text[2:]
            if re.match(r"[A-Za-z_][\w-]*:( |$)", rest):  # a mapping that begins beside the dash
                lines[position] = (indent + 2, rest)
                value, position = _block(lines, position, indent + 2)
            else:
                value, position = _scalar(rest), position + 1
            result.append(value)
            continue
        key, _, rest = text.partition(":")
        position += 1
        if rest.strip():
            result[key] = _scalar(rest.strip())
        elif position < len(lines) and lines[position][0] > indent:
            result[key], position = _block(lines, position, lines[position][0])
        else:
            result[key] = None
    return result, position


def parse(text: str) -> Dict[str, Any]:
    """{"layout": {"tensor": 8, ...}, ...}: whole numbers, numbers, and text with its unit."""
    lines = [
        (len(line) - len(line.lstrip()), line.strip())
        for line in text.split("\n")  # alone: a text may hold U+0085 or U+2028
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return _block(lines, 0, 0)[0] if lines else {}


def number(text: Any, missing: Optional[float] = None) -> Any:
    """A quantity of the scenario in the trace's units: "2.4 TB/s" is 2.4e12, "1_000 tokens" a thousand."""
    if isinstance(text, (int, float)):
        return float(text)
    match = re.fullmatch(r"([-+.\d_eE]+) ([A-Za-z]+(?:/s)?)", str(text))
    if match is None:
        return missing
    value, unit = float(match[1]), match[2]
    for base, scale in BASES.items():
        prefix = unit[: len(unit) - len(base)]
        if unit.endswith(base) and prefix in PREFIXES:
            return value * PREFIXES[prefix] * scale
    return missing


def flat(value: Any, path: str = "") -> Dict[str, Any]:
    """{"layout.tensor": 8, "workload.turns.0.prompt": "4000 tokens", ...}"""
    if isinstance(value, dict):
        items: Iterable[Tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {path: value}
    result: Dict[str, Any] = {}
    for key, inner in items:
        result |= flat(inner, f"{path}.{key}" if path else str(key))
    return result
