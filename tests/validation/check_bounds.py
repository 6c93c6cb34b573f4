#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every class of `cpsim compare` on the measured tables to its row of bounds.csv.

    check_bounds.py CPSIM            prints every figure; exit 1 when one is over its limit
    check_bounds.py CPSIM --update   writes the figures reached today into bounds.csv

A bound that is kept is the limit. Where a bound is missed, or where there is none, the limit is a
tenth (at least half a per cent) above the figure that was reached when bounds.csv was last written:
models may not get worse unseen. A class without a row, and a row without a class, fail.
"""
import sys

import measured


def check(bounds, figures):
    faults = 0
    for row in bounds:
        key = (row["set"], row["class"], row["statistic"])
        figure = figures.get(key)
        if figure is None:
            print(f"BAD {' / '.join(key)}: no such class")
            faults += 1
            continue
        limit = measured.limit(row)
        kept = figure <= limit + 1e-9
        faults += not kept
        bound = "no bound" if row["bound"] is None else f"bound {row['bound']:g}"
        missed = row["bound"] is not None and figure > row["bound"]
        print(
            f"{'ok ' if kept else 'BAD'} {row['set']:11} {row['class']:42} {row['statistic']:6} "
            f"{figure:5.1f} % ({bound}, limit {limit:.1f}){'  MISSED' if missed else ''}"
        )
    judged = {(row["set"], row["class"]) for row in bounds}
    for name, group in sorted({key[:2] for key in figures} - judged):
        print(f"BAD {name} / {group}: not in bounds.csv")
        faults += 1
    return faults


def update(bounds, figures):
    path = measured.HERE / "bounds.csv"
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = head + ["set,class,statistic,bound,reached"]
    for row in bounds:
        figure = figures[row["set"], row["class"], row["statistic"]]
        bound = "" if row["bound"] is None else f"{row['bound']:g}"
        name = f'"{row["class"]}"' if "," in row["class"] else row["class"]
        lines.append(f"{row['set']},{name},{row['statistic']},{bound},{figure:.1f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments):
    bounds = measured.load_bounds()
    figures = measured.figures(measured.compare_all(arguments[0]))
    if arguments[1:] == ["--update"]:
        update(bounds, figures)
        return 0
    return 1 if check(bounds, figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
