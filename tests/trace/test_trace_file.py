# SPDX-License-Identifier: MIT
"""A trace read back with h5py, as a user reads it. The writer's own tests can't see what another
library makes of the file: bytes instead of str, lost enum names, timestamps that differ."""
import os
import shutil
import subprocess
import time

import h5py
import numpy as np
import pytest
from conftest import check_trace, write_sample

UNITS = {"s", "B", "B/s", "FLOP", "J", "W", "1"}
OPERATORS = 1000  # as the fixture asks


def columns(file):
    return [(f"{group.name}/{name}", column) for group in file.values() for name, column in group.items()]


def test_root_says_what_ran(sample):
    with h5py.File(sample) as file:
        assert dict(file.attrs) | {"git_revision": "", "cpsim_version": ""} == {
            "cpsim_format": "1.4",
            "cpsim_version": "",
            "git_revision": "",
            "simgrid_version": "3.32.0",
            "seed": 7,
            "scenario": "schema: 1\ntitle: Überlänge\n",
        }
        assert isinstance(file.attrs["git_revision"], str) and file.attrs["git_revision"]
        assert file.attrs["cpsim_version"].count(".") == 2


def test_every_column_explains_itself(sample):
    with h5py.File(sample) as file:
        assert set(file) == {"phases", "operators", "links", "gpus"}
        for group in file.values():
            assert group.attrs["long_name"].endswith(".")
        assert len(columns(file)) == 64
        for name, column in columns(file):
            assert column.attrs["units"] in UNITS, name
            assert column.attrs["long_name"].endswith("."), name


def test_columns_of_a_table_are_equally_long(sample):
    with h5py.File(sample) as file:
        lengths = {name: {len(column) for column in group.values()} for name, group in file.items()}
    assert lengths == {"phases": {2}, "operators": {OPERATORS}, "links": {8}, "gpus": {4}}


def test_units_of_what_has_a_dimension(sample):
    with h5py.File(sample) as file:
        for name, column in columns(file):
            leaf = name.rsplit("/")[-1]
            expected = (
                "s" if leaf in {"start", "duration", "latency", "gemm", "busy"} or leaf.startswith("busy_")
                else "B" if leaf.endswith("bytes") or leaf.startswith("memory_") and leaf != "memory_kernels"
                else "B/s" if leaf == "capacity"
                else "FLOP" if leaf == "flops"
                else "J" if leaf == "energy"
                else None
            )
            assert expected in (None, column.attrs["units"]), name


def test_enums_keep_their_names(sample):
    with h5py.File(sample) as file:
        members = {
            name: list(h5py.check_enum_dtype(column.dtype))
            for name, column in columns(file)
            if h5py.check_enum_dtype(column.dtype)
        }
    assert members == {
        "/phases/kind": ["prefill", "decode", "training_step", "serving_step"],
        "/phases/ring": ["none", "pass_kv", "pass_q", "all_gather", "tree"],
        "/operators/kind": ["gemm", "attention", "memory", "collective", "host", "kernel"],
        "/operators/stream": ["compute", "communication"],
        "/operators/bound": ["compute", "memory", "launch", "network"],
        "/operators/collective": ["none", "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send_recv", "send",
                                  "dispatch", "combine"],
        "/operators/group": ["none", "tensor", "context", "data", "expert", "attention", "expert_data", "stages", "all"],
        "/links/kind": ["nvlink", "nic"],
        "/links/direction": ["out", "in"],
    }


def test_phases_have_the_values_given(sample):
    with h5py.File(sample) as file:
        phases = file["phases"]
        assert list(phases["name"].asstr()) == ["prefill turn 1", "Décodage, tour 1"]
        assert list(phases["kind"]) == [0, 1]
        assert list(phases["ring"]) == [1, 2]
        assert list(phases["new_tokens"]) == [5_000_000_000, 256]
        assert list(phases["cached_tokens"]) == [0, 5_000_000_000]
        assert list(phases["latency"]) == [74.5, 0.01]
        parts = ["gemm", "attention", "memory_kernels", "tp_collective", "ring_exposed", "host", "other"]
        assert list(sum(phases[part][:] for part in parts)) == list(phases["duration"])
        assert phases["energy"][0] == 4.61e6 and np.isnan(phases["energy"][1])


@pytest.mark.parametrize("count", [1, 65535, 65536, 65537, 200_000])
def test_operators_have_the_values_given(tmp_path, count):
    """Round a chunk's edge, since that is where rows are lost or come twice."""
    path = tmp_path / "run.h5"
    assert write_sample(path, count).returncode == 0
    row = np.arange(count)
    expected = {
        "phase": row % 2,
        "segment": np.minimum(row, 1),
        "layer": row // 100,
        "rank": row % 16,
        "gpu": row % 4,
        "name": row % 3,
        "kind": row % 5,
        "stream": row % 2,
        "iteration": row % 7,
        "start": row * 1e-6,
        "duration": np.full(count, 0.5e-6),
        "flops": row * 1e9,
        "bytes": row * 1e3,
        "bound": row % 4,
        "collective": row % 9,
        "group": row % 7,
        "buffer": row * 1e2,
    }
    with h5py.File(path) as file:
        operators = file["operators"]
        assert list(operators) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(operators[name][:], values, err_msg=name)
        assert list(operators["name"].attrs["categories"]) == ["qkv", "ring attention", "out"][:count]
        assert list(operators["segment"].attrs["categories"]) == ["embedding", "layers"][:count]
        chunk = operators["start"].chunks
        assert chunk == (min(count, 65536),)
        assert operators["start"].compression == "gzip" and operators["start"].shuffle
        assert operators["start"].maxshape == (None,)


def test_strings_are_copied(sample):
    with h5py.File(sample) as file:
        assert list(file["links/name"].asstr()) == [f"link-{i}" for i in range(8)]


def test_rows_of_other_tables_say_so(sample):
    with h5py.File(sample) as file:
        named = {name: column.attrs["row_of"] for name, column in columns(file) if "row_of" in column.attrs}
    assert named == {"/operators/phase": "phases", "/operators/gpu": "gpus", "/links/gpu": "gpus"}


def test_equal_runs_give_equal_bytes(tmp_path):
    """HDF5 stamps objects with the second, so the second run must not be in the same one."""
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    assert write_sample(first, 100_000).returncode == 0
    time.sleep(2.1)
    assert write_sample(second, 100_000).returncode == 0
    assert first.read_bytes() == second.read_bytes()


def test_objects_carry_no_time(sample):
    with h5py.File(sample) as file:
        for name, column in columns(file):
            assert h5py.h5g.get_objinfo(column.id).mtime == 0, name


def test_a_broken_off_run_leaves_only_its_part(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 100_000, "abandon").returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5.part"]
    assert check_trace(tmp_path / "run.h5.part") == (0, [])


def test_a_user_s_bad_path_is_exit_status_2(tmp_path):
    done = write_sample(tmp_path / "no" / "run.h5")
    assert done.returncode == 2
    assert done.stderr == (
        f"{tmp_path}/no/run.h5: error: cannot write the trace: No such file or directory; "
        "make the folder first (mkdir -p), or name another\n1 error\n"
    )


def in_tiny_disk(tmp_path, kibibytes, command):
    """Runs a shell command with $1, a disk of so many KiB, mounted for it alone."""
    if not shutil.which("unshare") or os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    script = f'mount -t tmpfs -o size={kibibytes}k none "$1" && {command}'
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", str(tmp_path), os.environ["CPSIM_WRITE_SAMPLE"]],
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_disk_just_large_enough(tmp_path):
    done = in_tiny_disk(tmp_path, 512, '"$2" "$1/run.h5" 1000; echo $?; ls "$1"')
    assert (done.stdout, done.stderr) == ("0\nrun.h5\n", "")


@pytest.mark.parametrize("kibibytes, operators", [(32, 10), (128, 65_536), (512, 2_000_000)])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, kibibytes, operators):
    """Full in closing the file, in its first chunk, and in the middle of a long run."""
    done = in_tiny_disk(tmp_path, kibibytes, f'"$2" "$1/run.h5" {operators}; echo $?; ls "$1"')
    assert done.stdout == "1\n"
    assert done.stderr.startswith(f"{tmp_path}/run.h5: error: cannot write the trace (")
    assert done.stderr.endswith(
        "): No space left on device; free some space, or write the trace to another disk. "
        "No trace is kept\n1 error\n"
    )
