# SPDX-License-Identifier: MIT
"""A run watched while it goes on: what h5py reads of the growing file are the rows that the trace has
in the end, and nobody's watching changes the trace. And what a run leaves that was killed."""
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from conftest import SOURCE_DIR, check_trace

CPSIM = os.environ["CPSIM"]
CHAT = str(SOURCE_DIR / "scenarios" / "serving-70b-chat.yaml")
REQUESTS = "workload.requests=40000"  # some seconds


def start(path, *words):
    return subprocess.Popen([CPSIM, CHAT, "-q", "-o", str(path), "--set", REQUESTS, *words], stderr=subprocess.PIPE, text=True)


def wait_for(path, process):
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < until, f"{path} never came"
        time.sleep(0.01)


def rows_of(live):
    column = live["steps/start"]
    column.refresh()
    return len(column)


def open_live(path):
    """The growing file at `path`, which is there a moment before it may be read."""
    for _ in range(200):
        try:
            return h5py.File(path, "r", libver="latest", swmr=True)
        except OSError:
            time.sleep(0.01)
    raise AssertionError(f"{path} cannot be read")


def wait_for_rows(path, process):
    wait_for(path, process)
    with open_live(path) as live:
        while rows_of(live) == 0:
            assert process.poll() is None, "the run was over before it had a row"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """(path of the trace, [rows there at a moment], {column: what was read last while it ran})"""
    path = tmp_path_factory.mktemp("watch") / "run.h5"
    process = start(path, "--watch")
    live_path = path.with_name("run.h5.live")
    wait_for(live_path, process)
    counts, seen = [], {}
    with open_live(live_path) as live:
        while process.poll() is None:
            count = rows_of(live)
            if count and (not counts or count > counts[-1]):
                for name, column in live["steps"].items():
                    column.refresh()
                    seen[name] = column[:count] if len(column) >= count else None
                counts.append(count)
            time.sleep(0.05)
        units = {name: column.attrs["units"] for name, column in live["steps"].items()}
        assert units["kv_tokens"] == "1" and units["power"] == "W" and live.attrs["cpsim_format"]
        assert h5py.check_enum_dtype(live["requests/outcome"].dtype) == {
            "done": 0, "rejected": 1, "lost": 2, "refused": 3, "timed_out": 4, "cancelled": 5}
        assert "name" not in live["operators"] and "start" in live["operators"]
    assert process.returncode == 0, process.stderr.read()
    assert [entry.name for entry in path.parent.iterdir()] == ["run.h5"]
    return path, counts, seen


def test_the_file_grows_while_the_run_goes_on(watched):
    _, counts, _ = watched
    assert len(counts) >= 2 and counts == sorted(counts)


def test_what_was_seen_is_what_the_trace_has(watched):
    path, counts, seen = watched
    assert check_trace(path) == (0, [])
    compared = 0
    with h5py.File(path) as file:
        assert counts[-1] <= len(file["steps/start"])
        for name, values in seen.items():
            if values is not None:  # the run went on between two columns
                np.testing.assert_array_equal(values, file["steps"][name][: len(values)], err_msg=name)
                compared += len(values)
    assert compared > 1000


def test_watching_changes_no_byte(watched, tmp_path):
    process = start(tmp_path / "run.h5")
    assert process.wait(timeout=300) == 0
    assert (tmp_path / "run.h5").read_bytes() == watched[0].read_bytes()


def test_the_command_says_how_far_it_is(tmp_path):
    process = start(tmp_path / "run.h5", "--watch")
    command = [sys.executable, "-B", str(SOURCE_DIR / "analysis"), "watch", str(tmp_path / "run.h5.part"), "--every", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert process.wait(timeout=300) == 0
    assert (done.returncode, done.stderr) == (0, "")
    *lines, end = done.stdout.splitlines()
    assert any(" rows of steps, " in line and line.startswith("simulated ") for line in lines), done.stdout
    assert end == f"{tmp_path}/run.h5 is whole"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/run.h5 is whole: nothing writes it\n")


def test_nothing_to_watch_is_said(tmp_path):
    done = subprocess.run([CPSIM, CHAT, "--watch", "-q"], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "cpsim: error: --watch shows a trace as it grows, and this run writes none; name it: -o FILE, or "
        "trace.file in the scenario\n"
    )


@pytest.mark.parametrize("how, watch", [(signal.SIGINT, []), (signal.SIGTERM, ["--watch"])])
def test_a_run_broken_off_leaves_what_it_had(tmp_path, how, watch):
    path = tmp_path / "run.h5"
    process = start(path, *watch)
    wait_for(tmp_path / "run.h5.part", process)
    time.sleep(1.0)
    assert process.poll() is None, "the run was over before it could be broken off"
    process.send_signal(how)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + how
    assert told == f"cpsim: interrupted; what the run wrote so far is in {path}.part\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5.part"]
    assert check_trace(tmp_path / "run.h5.part") == (0, [])
    with h5py.File(tmp_path / "run.h5.part") as file:
        start_times = file["steps/start"][:]
        assert len(start_times) > 0 and (np.diff(start_times) >= 0).all() and "requests" not in file


@pytest.mark.parametrize("watch, left", [([], ["run.h5.part"]), (["--watch"], ["run.h5.live", "run.h5.part"])])
def test_a_killed_run_leaves_no_file_that_looks_whole(tmp_path, watch, left):
    path = tmp_path / "run.h5"
    process = start(path, *watch)
    wait_for(tmp_path / "run.h5.part", process)
    if watch:
        wait_for_rows(tmp_path / "run.h5.live", process)
    else:
        time.sleep(0.5)
    assert process.poll() is None, "the run was over before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == left
    assert check_trace(tmp_path / "run.h5.part")[0] == 2
    if watch:  # what watchers could read, they still can
        with h5py.File(tmp_path / "run.h5.live", "r", libver="latest", swmr=True) as live:
            assert len(live["steps/start"]) > 0
    again = subprocess.run([CPSIM, CHAT, "-q", "-o", str(path), *watch], capture_output=True, text=True, timeout=300)
    assert (again.returncode, again.stderr) == (0, "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"] and check_trace(path) == (0, [])
