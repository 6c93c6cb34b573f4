# SPDX-License-Identifier: MIT
"""The tables of figures of docs/json-output.md, and whether a run has the same figures everywhere.

    figures.py page CPSIM PAGE [--update]       compares the page's tables with `cpsim describe figures --markdown`
    figures.py run CPSIM SCENARIO...            runs each and compares --json, the trace's attributes, the columns of a
                                                sweep and `cpsim describe figures`: names and values

A line for each fault; exit 1 when there is any.
"""
import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

PART = re.compile(r"(?<=<!-- figures: written by tests/cli/figures.py -->\n).*(?=<!-- /figures -->)", re.S)
FILE = {"cpsim_format", "cpsim_version", "git_revision", "simgrid_version", "scenario", "seed"}  # attributes of every trace
SWEEP = {"point", "replication", "run_seed", "status", "error", "seed"}  # columns of every sweep; seed is the axis


def printed(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check_page(cpsim, page, update):
    page = pathlib.Path(page)
    text, tables = page.read_text(encoding="utf-8"), printed(cpsim, "describe", "figures", "--markdown")
    if update:
        page.write_text(PART.sub(lambda _: tables, text), encoding="utf-8")
        return []
    if PART.search(text).group() == tables:
        return []
    return [f"{page}: its tables of figures are not those of the program; figures.py page CPSIM {page} --update"]


def former_columns(tables):
    """Of `cpsim describe figures --markdown`: {deprecated column of a sweep: its name now}."""
    return dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", tables.split("Columns of sweeps", 1)[1], re.M))


def without_turn(name):
    return re.sub(r"^turn\d+_", "", name)


def part_of_class(name, kind="class"):
    return f"{kind}_{re.sub(r'[-.]', '_', name)}_"


def alike(one, two):
    if one is None or two is None:  # null in JSON, NaN elsewhere
        return one is two
    return one == two if isinstance(one, str) or isinstance(two, str) else abs(one - two) <= 1e-9 * max(abs(one), abs(two))


def differences(what, expected, found):
    faults = [f"{name}: in --json, not {what}" for name in sorted(expected.keys() - found.keys())]
    faults += [f"{name}: {what}, not in --json" for name in sorted(found.keys() - expected.keys())]
    return faults + [
        f"{name}: {expected[name]} in --json, {found[name]} {what}"
        for name in sorted(expected.keys() & found.keys())
        if not alike(expected[name], found[name])
    ]


def number(value):
    return float(value) if math.isfinite(value) else None


def attributes_of(path):
    import h5py

    with h5py.File(path) as file:
        found = {name: value for name, value in file.attrs.items() if name not in FILE}
    return {name: value if isinstance(value, str) else number(value) for name, value in found.items()}


def columns_of(cpsim, scenario, folder):
    sweep = folder / "sweep.yaml"
    base = json.dumps(str(pathlib.Path(scenario).resolve()))
    sweep.write_text(f"schema: 1\ntitle: one\nbase: {base}\naxes: {{grid: {{seed: [1]}}}}\n")
    subprocess.run([cpsim, "sweep", str(sweep), "-o", str(folder / "out"), "-q"], check=True, stdout=subprocess.DEVNULL)
    with open(folder / "out" / "sweep.csv", encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    found = {}
    for name, cell in row.items():
        if name not in SWEEP:
            try:
                found[name] = number(float(cell)) if cell else None
            except ValueError:
                found[name] = cell
    return found


def check_run(cpsim, scenario, described, former, folder):
    trace = folder / "run.h5"
    run = json.loads(printed(cpsim, "run", scenario, "--set", "seed=1", "--json", "-o", str(trace)))
    figures = run["figures"]
    faults = []
    for name in [name for name in figures if without_turn(name) in former]:  # printed for one release more
        turn = name[: len(name) - len(without_turn(name))]
        if not alike(figures[name], figures.get(turn + former[without_turn(name)])):
            faults.append(f"{name}: another value than {former[without_turn(name)]}")
    known = described | {
        name.replace("class_NAME_", part_of_class(of["name"])) for of in run.get("classes", []) for name in described
    }
    known |= {
        name.replace("tenant_NAME_", part_of_class(of["name"], "tenant")) for of in run.get("tenants", []) for name in described
    }
    known |= former.keys() & {without_turn(name) for name in figures}
    faults += [f"{name}: not in cpsim describe figures" for name in figures if without_turn(name) not in known]
    first_turn = {name: value for name, value in figures.items() if without_turn(name) == name}
    faults += differences("in the trace", first_turn, attributes_of(trace))
    columns = columns_of(cpsim, scenario, folder)
    for name in [name for name in columns if without_turn(name) in former and without_turn(name) not in known]:
        turn = name[: len(name) - len(without_turn(name))]
        if not alike(columns.pop(name), figures.get(turn + former[without_turn(name)])):
            faults.append(f"{name}: another value in a sweep than {former[without_turn(name)]}")
    faults += differences("in a sweep", figures, columns)
    for phase in run.get("phases", []):  # the same figures once more, where they are of a phase
        before = f"turn{phase['turn']}_" if phase["turn"] > 1 else ""
        for name, value in phase.items():
            for flat in (f"{before}{phase['phase']}_{name}", before + name if name in ("ttft_seconds", "tpot_seconds") else ""):
                if flat in figures and not alike(figures[flat], value):
                    faults.append(f"{flat}: {figures[flat]}, but {value} in phases[]")
    for of in run.get("classes", []):
        for name, value in of.items():
            if name != "name" and not alike(figures.get(part_of_class(of["name"]) + name), value):
                faults.append(f"{name}: {value} in classes[] of {of['name']}, another in figures")
    return faults


def main(arguments):
    what, cpsim, *rest = arguments
    if what == "page":
        faults = check_page(cpsim, rest[0], "--update" in rest[1:])
    else:
        described = set(re.findall(r"^  (\w+) ", printed(cpsim, "describe", "figures"), re.M))
        former = former_columns(printed(cpsim, "describe", "figures", "--markdown"))
        faults = []
        for scenario in rest:
            with tempfile.TemporaryDirectory() as folder:
                found = check_run(cpsim, scenario, described, former, pathlib.Path(folder))
                faults += [f"{scenario}: {fault}" for fault in found]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
