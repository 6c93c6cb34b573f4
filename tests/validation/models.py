# SPDX-License-Identifier: MIT
"""Parameters of the models of models/llm against those that are published: tests/validation/models.csv.

    models.py CPSIM TABLE [--verbose]    says what is off; exit 1 when anything is

`total` and `active` are as they are printed, in parameters or in B or T; empty: not published, or of another model (with
an encoder). `..._without` says what the publication leaves out of the count. A count may be off by half a unit of the last
digit printed (as the figure was rounded) and 0.5 % more.
"""
import csv
import json
import subprocess
import sys
from decimal import Decimal

UNITS = {"B": 10**9, "T": 10**12}
TOLERANCE = Decimal("0.005")
WITHOUT = {"": (), "embedding": ("embedding",), "embedding and head": ("embedding", "lm_head")}


def published(text):
    """Parameters, and half a unit of the last digit printed: "21.4B" is 21.4e9 and 0.05e9."""
    unit = UNITS.get(text[-1], 1)
    number = Decimal(text[:-1] if unit > 1 else text)
    half = Decimal(1).scaleb(number.as_tuple().exponent) / 2 if unit > 1 else Decimal(0)
    return number * unit, half * unit


def main(cpsim, table, verbose=False):
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    listed = subprocess.run([cpsim, "models", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    models = {model["name"]: model for model in json.loads(listed)}
    wrong, compared, close = [], 0, 0
    for row in rows:
        model = models.get(row["model"])
        if model is None or not row["source"]:
            wrong.append(f"{row['model']}: {'no such model' if model is None else 'no source'}")
            continue
        for figure in ("total", "active"):
            if not row[figure]:
                continue
            count = model[figure + "_parameters"] - sum(model[part + "_parameters"] for part in WITHOUT[row[figure + "_without"]])
            figure_published, half = published(row[figure])
            error = (count - figure_published) / figure_published
            compared, close = compared + 1, close + (abs(error) <= TOLERANCE)
            line = f"{row['model']}: {figure} {count / 1e9:.3f} G, published {row[figure]}: {error:+.2%}"
            if abs(count - figure_published) > half + TOLERANCE * figure_published:
                wrong.append(line)
            elif verbose:
                print(line)
    print("\n".join(wrong) if wrong else f"{len(rows)} models, {compared} counts, {close} of them within 0.5 % of the figure as printed")
    return bool(wrong) or len(rows) < 40


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
