# SPDX-License-Identifier: MIT
"""Measured tables through `cpsim compare`, and the bounds on their errors (bounds.csv)."""
import csv
import glob
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

# Which tables one run of `cpsim compare` reads, and what predicts them.
SETS = {
    "h100": ("silicon/h100_*.csv", ["--gpu", "h100-sxm"]),
    "second-h100": ("second_h100/*.csv", ["--gpu", "h100-sxm"]),
    "h200": ("silicon/h200x2_*.csv", ["--gpu", "h200-sxm", "--cluster", "hgx-h200"]),
    "h200x4": ("silicon/h200x4_*.csv", ["--gpu", "h200-sxm", "--cluster", "hgx-h200x4"]),
    "exchange": ("exchange/*.csv", ["--cluster", "dgx-h100"]),
    "pplx": ("exchange_pplx/*.csv", ["--cluster", "dgx-h100", "--software", "pytorch-pplx"]),
    "engines": ("engines/*.csv", ["--gpu", "h100-sxm"]),
    "collectives": ("collectives.csv", []),
}
# What is over its bound, or has none, may not get worse by more than this.
SLACK = 1.1  # of itself
SLACK_POINTS = 0.5  # per cent, where a tenth would be less than fits resolve


def compare(cpsim, name):
    """What `cpsim compare --json` says of a set: {"classes": [...], "rows": [...]}."""
    pattern, options = SETS[name]
    files = sorted(glob.glob(str(HERE / pattern)))
    command = [cpsim, "compare", *files, *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def compare_all(cpsim):
    return {name: compare(cpsim, name) for name in SETS}


def load_bounds():
    with open(HERE / "bounds.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    for row in rows:
        row["bound"] = float(row["bound"]) if row["bound"] else None
        row["reached"] = float(row["reached"])
    return rows


def limit(row):
    """What the figure may be: its bound where that is kept; otherwise a tenth above what was reached."""
    if row["bound"] is not None and row["reached"] <= row["bound"]:
        return row["bound"]
    return max(SLACK * row["reached"], row["reached"] + SLACK_POINTS)


def figures(results):
    """{(set, class, statistic): per cent}"""
    found = {}
    for name, result in results.items():
        for group in result["classes"]:
            for statistic in ("median", "p90", "worst"):
                found[name, group["class"], statistic] = 100 * group[statistic]
    return found
