# SPDX-License-Identifier: MIT
"""What the trace tests share: the programs under test, named by CMake, and a sample to read."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE_DIR = Path(os.environ["CPSIM_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE_DIR / "analysis"))


def write_sample(path, *arguments):
    """Runs write_sample; returns what subprocess.run() does."""
    command = [os.environ["CPSIM_WRITE_SAMPLE"], str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def check_trace(path):
    """Runs the checker; returns its exit status and the faults, without the path they begin with."""
    done = subprocess.run(
        [os.environ["CPSIM_CHECK_TRACE"], str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.stderr == ""
    return done.returncode, [line.removeprefix(f"{path}: error: ") for line in done.stdout.splitlines()]


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "sample.h5"
    done = write_sample(path, 1000)
    assert (done.returncode, done.stderr) == (0, "")
    return path
