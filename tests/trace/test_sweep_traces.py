# SPDX-License-Identifier: MIT
"""Traces of a sweep's points, one file each and all of them as one in sweep.h5, for every kind of
workload; what a sweep leaves when only a part of it has run; sweep.h5 in pandas."""
import os
import resource
import subprocess

import h5py
import numpy
import pandas
import pytest

from conftest import SOURCE_DIR

SWEEPS = {
    "conversation": ("one-gpu", "{workload.batch: [1, 2, 4]}", "phases"),
    "serving": ("serving-70b-chat", "{workload.requests: [50, 80]}", "requests"),
    "training": ("train-batch-size", "{cluster.nodes: [512], layout.data: [64, 128]}", "stages"),
}


def sweep(folder, text, *arguments, limit_files=None, status=0):
    """Runs cpsim sweep in `folder`; its stdout."""
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").write_text(text, encoding="utf-8")
    limit = None if limit_files is None else lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (limit_files, limit_files))
    done = subprocess.run(
        [os.environ["CPSIM"], "sweep", *(arguments or ["sweep.yaml", "-o", "out"])],
        cwd=folder, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def text_of(base, grid, more="traces: true"):
    return (f"schema: 1\nbase: {SOURCE_DIR}/scenarios/{base}.yaml\naxes: {{grid: {grid}}}\n{more}\n")


@pytest.mark.parametrize("kind", SWEEPS)
def test_the_traces_are_one(kind, tmp_path):
    base, grid, table = SWEEPS[kind]
    sweep(tmp_path, text_of(base, grid))
    with h5py.File(tmp_path / "out" / "sweep.h5") as results:
        points = results["points"]
        assert (points["status"][:] == 0).all()  # done
        whole = results["traces"][table]
        start = 0
        for point in points["point"]:
            with h5py.File(tmp_path / "out" / "traces" / f"{point:06d}.h5") as trace:
                names = [name for name in trace[table] if name in whole]
                assert names, f"{table} shows no column"
                rows = len(trace[table][names[0]])
                assert rows > 0
                for name in names:
                    assert whole[name].is_virtual
                    numpy.testing.assert_array_equal(whole[name][start:start + rows], trace[table][name])
                assert (whole["point"][start:start + rows] == point).all()
            start += rows
        assert start == len(whole["point"])


def test_a_trace_does_not_change_what_is_found(tmp_path):
    base, grid, _ = SWEEPS["serving"]
    sweep(tmp_path / "with", text_of(base, grid))
    sweep(tmp_path / "without", text_of(base, grid, ""))
    with_traces, without = (pandas.read_csv(tmp_path / kind / "out" / "sweep.csv") for kind in ("with", "without"))
    pandas.testing.assert_frame_equal(with_traces, without, check_exact=True)


def test_more_traces_than_a_process_may_open(tmp_path):
    sweep(tmp_path, text_of("one-gpu", "{workload.turns.0.output: [1 tokens, 2 tokens]}",
                            "traces: true\nreplications: 60"), limit_files=64)
    with h5py.File(tmp_path / "out" / "sweep.h5") as results:
        assert len(set(results["traces"]["phases"]["point"])) == 120


def test_a_part_can_be_looked_at(tmp_path):
    text = text_of("one-gpu", "{workload.batch: [1, 2, 3, 4, 5, 6]}", "")
    sweep(tmp_path, text, "sweep.yaml", "-o", "out", "--shard", "1/3")
    assert "4 of 6 points are missing, the first is 0" in sweep(tmp_path, text, "merge", "out", status=1)
    assert "2 of 6 points done" in sweep(tmp_path, text, "merge", "out", "--partial")
    part = pandas.read_csv(tmp_path / "out" / "sweep.csv")
    assert list(part["point"]) == [1, 4] and list(part["workload.batch"]) == [2, 5]
    for shard in (0, 2):
        sweep(tmp_path, text, "sweep.yaml", "-o", "out", "--shard", f"{shard}/3")
    sweep(tmp_path, text, "merge", "out")
    sweep(tmp_path, text, "sweep.yaml", "-o", "whole")
    for name in ("sweep.h5", "sweep.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    sweep(tmp_path, text, "sweep.yaml", "-o", "out", "--partial", status=2)


def test_pandas_reads_the_table_in_a_line(tmp_path):
    """The lines of docs/sweeps.md, and units of every column."""
    sweep(tmp_path, text_of("one-gpu", "{workload.batch: [1, 2], precision: [bf16, fp8]}", ""))
    page = (SOURCE_DIR / "docs" / "sweeps.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("table = pandas.DataFrame")]
    assert len(lines) == 1
    names = {"pandas": pandas, "h5py": h5py}
    os.chdir(tmp_path / "out")
    exec(lines[0], names)  # what the page tells users to type
    table = names["table"]
    assert list(table["workload.batch"]) == [1, 1, 2, 2] and list(table["precision"]) == ["bf16", "fp8"] * 2
    assert (table["tpot_seconds"] > 0).all() and (table["status"] == 0).all()  # done
    with h5py.File("sweep.h5") as results:
        units = {name: column.attrs["units"] for name, column in results["points"].items()}
    assert units["ttft_seconds"] == "s" and units["joules"] == "J" and units["workload.batch"] == "1"
    suffixes = {"_seconds": "s", "_bytes": "B", "_joules": "J"}
    for name, unit in units.items():
        for suffix, expected in suffixes.items():
            assert not name.endswith(suffix) or unit == expected, name
