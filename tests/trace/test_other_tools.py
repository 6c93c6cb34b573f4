# SPDX-License-Identifier: MIT
"""Tools that know nothing of cpsim read its traces: every command line of docs/trace-format.md runs, and
h5dump, which is not h5py, finds the same numbers."""
import os
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from conftest import SOURCE_DIR, write_sample

needs_h5dump = pytest.mark.skipif(shutil.which("h5dump") is None, reason="no h5dump here (Debian's hdf5-tools): not tried")


def commands():
    page = (SOURCE_DIR / "docs" / "trace-format.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```shell\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 5
    return lines


@pytest.mark.parametrize("line", commands())
def test_the_command_lines_of_the_page_run(sample, tmp_path, line):
    program = line.split()[0]
    if program.startswith("h5") and shutil.which(program) is None:
        pytest.skip(f"no {program} here (Debian's hdf5-tools): not tried")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)  # the one with h5py
    (tmp_path / "llama405b.h5").write_bytes(sample.read_bytes())
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    done = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PATH": path}, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.strip() or (tmp_path / "energy.txt").read_text().strip()


def dumped(path, column, folder):
    """A column as h5dump has it, as text."""
    out = folder / "column.txt"
    done = subprocess.run(["h5dump", "-y", "-w", "1", "-m", "%.17g", "-d", column, "-o", str(out), str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.strip().rstrip(",") for line in out.read_text(encoding="utf-8").splitlines() if line.strip()]


@needs_h5dump
def test_h5dump_finds_the_numbers_that_h5py_finds(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 70_000).returncode == 0  # more than a chunk
    with h5py.File(path) as file:
        for column in ("operators/start", "operators/layer", "phases/new_tokens", "links/capacity"):
            np.testing.assert_array_equal(np.array(dumped(path, f"/{column}", tmp_path), dtype=float), file[column][:], err_msg=column)
    assert dumped(path, "/operators/kind", tmp_path)[:5] == ["gemm", "attention", "memory", "collective", "host"]
    assert dumped(path, "/phases/name", tmp_path)[0] == '"prefill turn 1"'


@needs_h5dump
def test_h5dump_finds_what_a_column_says_of_itself(sample):
    done = subprocess.run(["h5dump", "-A", "-d", "/links/capacity", str(sample)], capture_output=True, text=True)
    assert '"B/s"' in done.stdout and '"What it can carry."' in done.stdout and "H5T_IEEE_F64LE" in done.stdout
