#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables that stand beside an enum: `table[NAME_COUNT] = {[MEMBER] = ...}` names each of its members.

    check_tables.py FILE.c FILE.h...

A member without a row would be 0 or NULL there, and no compiler says so. A table that leaves members out on purpose is
declared without NAME_COUNT, or says `[MEMBER] = NULL`. Tables made from a list (models/numeric/rows.h) are complete by
themselves. Prints `file:line: what` of each fault."""
import re
import sys

COMMENT = re.compile(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.S)
ENUM = re.compile(r"\benum\s+\w*\s*\{([^{}]*)\}")
TABLE = re.compile(r"\b(\w+)\[\s*([A-Z][A-Z0-9_]*_COUNT)\b[^\]]*\](?:\[[^\]]*\])*\s*=\s*\{")


def blanked(text):
    """The same text and lines, without comments and what strings say."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def members(text):
    """Members by the count that ends their enum; none of an enum that a list makes."""
    for body in ENUM.findall(text):
        names = [re.split(r"\s*=", name.strip())[0] for name in body.split(",") if name.strip()]
        if names and names[-1].endswith("_COUNT") and all(re.fullmatch(r"\w+", name) for name in names):
            yield names[-1], names[:-1]


def rows(text, start):
    """What the table that opens before `start` has between its brackets, of its own level."""
    depth, at, own = 1, start, []
    while depth > 0:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        own.append(text[at] if depth == 1 or text[at] in "{}" else " ")
        at += 1
    return "".join(own)


def main(names):
    texts = {name: blanked(open(name, encoding="utf-8").read()) for name in names}
    enums = {count: found for text in texts.values() for count, found in members(text)}
    faults = 0
    for name, text in texts.items():
        for found in TABLE.finditer(text):
            body = rows(text, found.end())
            said = set(re.findall(r"\[\s*(\w+)\s*\]\s*=", body))
            missing = [member for member in enums.get(found.group(2), []) if member not in said]
            if said and missing:
                line = text.count("\n", 0, found.start()) + 1
                print(f"{name}:{line}: {found.group(1)} has no row of {', '.join(missing)}")
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
