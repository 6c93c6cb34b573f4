# SPDX-License-Identifier: MIT
"""cpsim trace export: what each format makes of a trace, against h5py's reading of the same file. The
checker of trace events is itself tried on broken ones: one that passes everything proves nothing."""
import csv
import io
import json
import os
import subprocess

import h5py
import numpy as np
import pytest
import trace_events
from conftest import SOURCE_DIR, write_sample


def export(path, *arguments):
    command = [os.environ["CPSIM"], "trace", "export", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def exported(path, *arguments):
    done = export(path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def cells(dataset):
    """A column as text, numbers and enum names: what the exports should hold."""
    members = h5py.check_enum_dtype(dataset.dtype)
    if members is not None:
        names = {code: name for name, code in members.items()}
        return [names[code] for code in dataset[:]]
    if h5py.check_string_dtype(dataset.dtype):
        return list(dataset.asstr()[:])
    if "categories" in dataset.attrs:
        return list(np.asarray(dataset.attrs["categories"])[dataset[:]])
    return dataset[:].tolist()


def simulate(tmp_path, scenario, *settings):
    path = tmp_path / "run.h5"
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [os.environ["CPSIM"], str(SOURCE_DIR / "scenarios" / scenario), "-q", "-o", str(path), *sets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return path


# --- Chrome ---


def good():
    return [
        {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "run"}},
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "phases"}},
        {"ph": "X", "name": "a", "pid": 1, "tid": 1, "ts": 0, "dur": 10.001},
        {"ph": "X", "name": "b", "pid": 1, "tid": 1, "ts": 2, "dur": 8.001},
        {"ph": "b", "name": "r", "cat": "request", "id": "7", "pid": 1, "tid": 0, "ts": 1},
        {"ph": "e", "name": "r", "cat": "request", "id": "7", "pid": 1, "tid": 0, "ts": 3},
        {"ph": "C", "name": "KV", "pid": 1, "tid": 0, "ts": 3, "args": {"blocks": 4}},
    ]


def verdict(events):
    return trace_events.faults(json.dumps({"traceEvents": events}))


def test_the_checker_passes_good_events():
    assert verdict(good()) == []


@pytest.mark.parametrize(
    "number, change, fault",
    [
        (2, {"dur": None}, "event 2: dur is no number from 0 up: None"),
        (2, {"ts": "0"}, "event 2: ts is no number from 0 up: '0'"),
        (2, {"ts": -1}, "event 2: ts is no number from 0 up: -1"),
        (2, {"pid": "GPU"}, "event 2: pid is no whole number"),
        (2, {"ph": "Z"}, "event 2: ph is 'Z'"),
        (2, {"ph": "B"}, "(1, 1): B without E"),
        (3, {"ph": "E"}, "event 3: E without B"),
        (3, {"dur": 8.002}, "(1, 1): b begins in a and ends after it"),
        (3, {"tid": 2}, "(1, 2) has no name"),
        (4, {"id": "8"}, "(1, 'request', '7'): r ends but is not open"),
        (5, {"ph": "n"}, "(1, 'request', '7'): r does not end"),
        (6, {"args": {"blocks": "4"}}, "event 6: a counter needs numbers in args"),
        (0, {"args": {}}, "event 0: metadata process_name without its argument"),
    ],
)
def test_the_checker_finds(number, change, fault):
    events = good()
    events[number].update(change)
    assert fault in verdict(events)


@pytest.mark.parametrize(
    "scenario, settings",
    [
        ("llama405b.yaml", []),
        ("follow-up-prompt.yaml", ["trace.operators=all"]),
        ("how-many-nodes.yaml", ["trace.operators=all", "detail=full", "layout.context=1"]),
        ("tensor-parallel-over-nodes.yaml", ["trace.operators=none"]),
    ],
)
def test_chrome_events_follow_the_format(tmp_path, scenario, settings):
    path = simulate(tmp_path, scenario, *settings)
    text = exported(path, "--format", "chrome")
    assert trace_events.faults(text) == []
    events = json.loads(text)["traceEvents"]
    with h5py.File(path) as file:
        operators, phases = file["operators"], file["phases"]
        spans = [event for event in events if event["ph"] == "X" and event["pid"] != 1]
        assert len(spans) == len(operators["start"])
        assert [span["name"] for span in spans] == cells(operators["name"])
        assert [span["cat"] for span in spans] == cells(operators["kind"])
        # whole nanoseconds: half of one off, and the ends that were rounded, one in a duration
        np.testing.assert_allclose([s["ts"] / 1e6 for s in spans], operators["start"][:], rtol=1e-12, atol=0.51e-9)
        np.testing.assert_allclose([s["dur"] / 1e6 for s in spans], operators["duration"][:], rtol=0, atol=1.01e-9)
        threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
        assert [threads[s["pid"], s["tid"]] for s in spans] == cells(operators["stream"])
        processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        assert [int(processes[s["pid"]].split()[1]) for s in spans] == file["gpus/gpu"][:][operators["gpu"][:]].tolist()
        run = [event for event in events if event["ph"] == "X" and event["pid"] == 1]
        assert [span["name"] for span in run] == cells(phases["name"])


# --- CSV and JSON ---


def test_csv_has_every_cell(sample):
    for table in ("phases", "operators", "links", "gpus"):
        text = exported(sample, "--format", "csv", "--table", table)
        rows = list(csv.DictReader(io.StringIO(text)))
        with h5py.File(sample) as file:
            assert list(rows[0]) == list(file[table])
            for name, dataset in file[table].items():
                for row, value in zip(rows, cells(dataset), strict=True):
                    missing = isinstance(value, float) and np.isnan(value)
                    assert type(value)(row[name]) == value if not missing else row[name] == "", name


def test_json_has_every_cell(sample):
    document = json.loads(exported(sample, "--format", "json"))
    with h5py.File(sample) as file:
        assert {key: value for key, value in document.items() if key != "tables"} == dict(file.attrs)
        assert set(document["tables"]) == set(file)
        for table, group in file.items():
            assert document["tables"][table]["units"] == {n: d.attrs["units"] for n, d in group.items()}
            for name, dataset in group.items():
                values = [None if value != value else value for value in cells(dataset)]
                assert [row[name] for row in document["tables"][table]["rows"]] == values, name


def test_more_rows_than_a_chunk(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 140_000).returncode == 0
    lines = exported(path, "--format", "csv", "--table", "operators").splitlines()
    assert len(lines) == 140_001
    # row 131,072, the first of the third chunk: start is its number in microseconds
    assert float(lines[131_073].split(",")[9]) == pytest.approx(0.131072, rel=1e-15)


def test_text_that_csv_must_quote(sample):
    with h5py.File(sample, "r+") as file:
        file["phases/name"][0] = 'he said "a, b"\nand left'
    rows = list(csv.reader(io.StringIO(exported(sample, "--format", "csv", "--table", "phases"), newline="")))
    assert rows[1][0] == 'he said "a, b"\nand left'


def test_an_older_trace_has_fewer_columns(sample):
    with h5py.File(sample, "r+") as file:
        del file["operators/iteration"]
        del file["links"]
    document = json.loads(exported(sample, "--format", "json"))
    assert "links" not in document["tables"]
    assert "iteration" not in document["tables"]["operators"]["rows"][0]
    # the sample's operators are no timeline: they overlap. But they are all there.
    spans = json.loads(exported(sample, "--format", "chrome"))["traceEvents"]
    assert sum(event["ph"] == "X" for event in spans) == 1002


def test_one_table(sample):
    document = json.loads(exported(sample, "--format", "json", "--table", "gpus"))
    assert list(document["tables"]) == ["gpus"]


def test_what_cannot_be_read_is_said(sample):
    with h5py.File(sample, "r+") as file:
        bounds = file["operators/name"].id
        codes = file["operators/name"][:]
        codes[5] = 9
        everything = h5py.h5s.create_simple((1000,))
        bounds.write(everything, everything, codes, bounds.get_type())
    done = export(sample, "--format", "json")
    assert done.returncode == 2
    assert done.stderr == (
        f"{sample}: error: /operators/name has codes that stand for nothing; cpsim trace check says more\n1 error\n"
    )
    with h5py.File(sample, "r+") as file:
        del file["operators/name"]
        file["operators/name"] = np.zeros(3)
    done = export(sample, "--format", "json")
    assert done.returncode == 2
    assert "/operators/name is of another type than it should be" in done.stderr
