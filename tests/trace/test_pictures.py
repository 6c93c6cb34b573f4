# SPDX-License-Identifier: MIT
"""The command that draws README.md's pictures still does: it reads scenarios, --json, traces and
the measured table, each of which can change under it."""
import os
import pathlib
import struct
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")

SOURCE = pathlib.Path(os.environ["CPSIM_SOURCE_DIR"])
README = ["accuracy.png", "ttft.png", "layer.png"]
NAMES = ["accuracy.png", "ttft.png", "pass-kv-pass-q.png", "layer.png"]


def test_draws_every_picture_of_the_readme(tmp_path):
    done = subprocess.run(
        [sys.executable, "-B", SOURCE / "analysis/pictures.py", os.environ["CPSIM"], tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / name) for name in NAMES]
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        picture = (tmp_path / name).read_bytes()
        width, height = struct.unpack(">II", picture[16:24])
        assert picture.startswith(b"\x89PNG") and width > 400 and height > 300
        assert len(picture) < 100_000
        assert f"docs/pictures/{name}" in readme or name not in README


def test_says_what_it_takes():
    done = subprocess.run(
        [sys.executable, "-B", SOURCE / "analysis/pictures.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
