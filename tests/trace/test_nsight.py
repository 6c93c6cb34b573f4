# SPDX-License-Identifier: MIT
"""Profiles of Nsight Systems: the kernels of a real trace of PyTorch's profiler (tests/validation/profiler), laid down in
tables as Nsight's SQLite Schema Reference has them, come out as the same rows. No real export was at hand."""

import csv
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from conftest import SOURCE_DIR

sys.path.insert(0, str(SOURCE_DIR))
from analysis import nsight  # noqa: E402

CPSIM = os.environ["CPSIM"]
TRACE = SOURCE_DIR / "tests/validation/profiler/h200_layers.json"
THREAD = 42 << 24 | 7
OTHER_PROCESS = 43 << 24 | 7


def export(path, events, sizes=True):
    """The profile of `events`: each operator a range with another inside of it, around the launch of its kernel."""
    database = sqlite3.connect(path)
    database.executescript("""
        CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);
        CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT);
        CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, correlationId INTEGER,
            globalPid INTEGER, demangledName INTEGER, shortName INTEGER);
        CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, correlationId INTEGER, globalTid INTEGER, nameId INTEGER);
        CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT, textId INTEGER, globalTid INTEGER);
        INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H200');""")
    kernels = {e["args"]["External id"]: e for e in events if e["cat"] == "kernel"}
    database.execute("INSERT INTO NVTX_EVENTS VALUES (0, 1000000000000, 59, 'one step', NULL, ?)", (THREAD,))
    clock, names = 1000, {}
    for event in (e for e in events if e["cat"] == "cpu_op"):
        kernel = kernels[event["args"]["External id"]]
        name = names.setdefault(kernel["name"], len(names) + 1)
        number, duration = event["args"]["External id"], round(kernel["dur"] * 1000)
        text = f"{event['name']}, op_id = {number}" + (f", sizes = {event['args']['Input Dims']}" if sizes else "")
        text_id = None
        if number % 2:  # Nsight keeps a text in its place or among the others
            text_id = 10000 + number
            database.execute("INSERT INTO StringIds VALUES (?, ?)", (text_id, text))
            text = None
        database.execute("INSERT INTO NVTX_EVENTS VALUES (?, ?, 59, ?, ?, ?)", (clock, clock + 500, text, text_id, THREAD))
        database.execute("INSERT INTO NVTX_EVENTS VALUES (?, ?, 59, 'cublas', NULL, ?)", (clock + 100, clock + 400, THREAD))
        # The same correlation in another process, whose launch is no launch of this kernel.
        database.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (0, 1, ?, ?, 1)", (number, OTHER_PROCESS))
        database.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, ?, ?, 1)", (clock + 200, clock + 300, number, THREAD))
        database.execute("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?, ?, 0, ?, ?, ?, ?)",
                         (clock + 5000, clock + 5000 + duration, number, 42 << 24, name, name))  # fmt: skip
        clock += 1000
    database.executemany("INSERT INTO StringIds VALUES (?, ?)", [(number, text) for text, number in names.items()])
    database.commit()
    database.close()


def rows(tmp_path, table):
    """(class, measured, predicted) of what compare says of a trace."""
    out = tmp_path / "rows.csv"
    subprocess.run([CPSIM, "compare", table, "--csv", out], check=True, capture_output=True, timeout=60)
    with open(out, newline="") as file:
        return sorted((row["class"], float(row["measured"]), float(row["predicted"])) for row in csv.DictReader(file))


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("nsight") / "layers.sqlite"
    export(path, json.loads(TRACE.read_text())["traceEvents"])
    return path


def test_the_rows_are_those_of_pytorchs_profiler(tmp_path, profile):
    converted = tmp_path / "layers.json"
    command = [sys.executable, "-B", SOURCE_DIR / "analysis", "nsight", profile, "-o", converted]
    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == f"{converted}\n"
    # Attention of cuDNN is left to the others: its kernels do not say whether they are causal. It was the faster one.
    cudnn = 81.248
    expected = [row for row in rows(tmp_path, TRACE) if row[1] != cudnn]
    assert {"GEMM bf16", "GEMM fp8, a scale a row", "attention prefill, 512 tokens and more"} <= {row[0] for row in expected}
    assert rows(tmp_path, converted) == [(name, pytest.approx(measured, abs=2e-3), predicted) for name, measured, predicted in expected]


def test_operators_of_ranges():
    assert nsight.operator("aten::mm, seq = 3, op_id = 9, sizes = [[2, 3], [3, 4]]") == ("aten::mm", [[2, 3], [3, 4]])
    assert nsight.operator("aten::addmm, op_id = 7, sizes = [[4], [2, 3], [3, 4], [], []], input_op_ids = [(1,0)]") == (
        "aten::addmm", [[4], [2, 3], [3, 4], [], []])  # fmt: skip
    for other in ("aten::mm", "one step", "aten::mm, sizes = [[2,", None):
        assert nsight.operator(other) is None


def test_what_cannot_be_read_is_said(tmp_path, profile):
    with pytest.raises(ValueError, match="nsys export --type sqlite"):
        nsight.trace(TRACE)
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).executescript("CREATE TABLE StringIds (id INTEGER)")
    with pytest.raises(ValueError, match="not what Nsight Systems exports: no such table"):
        nsight.trace(empty)
    shapeless = tmp_path / "shapeless.sqlite"
    export(shapeless, json.loads(TRACE.read_text())["traceEvents"], sizes=False)
    with pytest.raises(ValueError, match="record_shapes=True"):
        nsight.trace(shapeless)
    refused = subprocess.run([CPSIM, "compare", profile], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "python3 -m analysis nsight" in refused.stderr


@pytest.mark.parametrize("change", [
    "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = NULL", "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 'soon'",
    "UPDATE NVTX_EVENTS SET text = x'ff', textId = NULL", "UPDATE NVTX_EVENTS SET start = 'then'",
    "UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET start = NULL", "UPDATE StringIds SET value = x'ff'"])  # fmt: skip
def test_columns_of_another_type_are_damage(tmp_path, profile, change):
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(profile.read_bytes())
    database = sqlite3.connect(damaged)
    database.execute(change)
    database.commit()
    database.close()
    with pytest.raises(ValueError, match="damaged.sqlite: damaged: a column holds"):
        nsight.trace(damaged)


def test_sizes_that_are_none():
    for sizes in ("[" + "-" * 100000 + "1]", "[" * 100000 + "]" * 100000, "[b'x', 1j]", "[1e999]"):
        assert nsight.operator(f"aten::mm, op_id = 1, sizes = {sizes}") is None
