# SPDX-License-Identifier: MIT
"""analysis/cpsim_trace.py: what a user gets in pandas, and the snippets of docs/trace-format.md."""
import re
import subprocess
import sys

import cpsim_trace
import h5py
import pandas
import pytest
from conftest import SOURCE_DIR, write_sample


def test_tables_become_data_frames(sample):
    trace = cpsim_trace.load(sample)
    assert set(trace) == {"phases", "operators", "links", "gpus"}
    assert [len(trace[name]) for name in ("phases", "operators", "links", "gpus")] == [2, 1000, 8, 4]
    assert list(trace["phases"]["name"]) == ["prefill turn 1", "Décodage, tour 1"]
    assert trace["phases"]["latency"].dtype == "float64"
    assert list(trace["links"]["name"][:2]) == ["link-0", "link-1"]


def test_enums_and_names_become_categoricals(sample):
    trace = cpsim_trace.load(sample)
    kind = trace["operators"]["kind"]
    assert list(kind.cat.categories) == [
        "gemm",
        "attention",
        "memory",
        "collective",
        "host",
        "kernel",
    ]
    assert list(kind[:6]) == ["gemm", "attention", "memory", "collective", "host", "gemm"]
    assert list(trace["operators"]["name"][:4]) == ["qkv", "ring attention", "out", "qkv"]
    assert list(trace["operators"]["segment"][:2]) == ["embedding", "layers"]
    # 1000 rows in turn, 0.5 us each: 200 of each kind, so 100 us
    sums = trace["operators"].groupby("kind", observed=True)["duration"].sum()
    assert sums["host"] == pytest.approx(100e-6)


def test_what_the_file_says_of_itself_is_kept(sample):
    trace = cpsim_trace.load(sample)
    assert trace.attributes["seed"] == 7
    assert trace.attributes["scenario"].startswith("schema: 1")
    assert trace.units["operators"]["bytes"] == "B"
    assert trace.long_names["gpus"]["energy"] == "Energy over the run; NaN when it is not modelled."


def test_parts_of_a_file(sample):
    trace = cpsim_trace.load(sample, tables=["operators"], columns=["kind", "start"], rows=slice(10, 20))
    assert list(trace) == ["operators"]
    assert list(trace["operators"].columns) == ["kind", "start"]
    assert list(trace["operators"]["start"]) == pytest.approx([i * 1e-6 for i in range(10, 20)])


def test_a_trace_without_operators(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 0).returncode == 0
    operators = cpsim_trace.load(path)["operators"]
    assert len(operators) == 0
    assert isinstance(operators["name"].dtype, pandas.CategoricalDtype)


def test_another_format_is_refused(sample):
    with h5py.File(sample, "r+") as file:
        file.attrs["cpsim_format"] = "2.0"
    with pytest.raises(ValueError, match="format is 2.0, this reader knows 1.x"):
        cpsim_trace.load(sample)


def test_the_program_prints_the_phases(sample):
    program = [sys.executable, str(SOURCE_DIR / "analysis" / "cpsim_trace.py")]
    done = subprocess.run([*program, str(sample)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    # 12.5 of 74.5 s in GEMMs, 56 in attention
    assert re.search(r"prefill turn 1 +5000000000 +0 +pass_kv +74.50 +16.8 % +75.2 % ", done.stdout)
    missing = subprocess.run([*program, f"{sample}.no"], capture_output=True, text=True, timeout=60)
    assert missing.returncode == 2
    assert missing.stderr.startswith("cpsim_trace: error: ")


def test_the_snippets_of_the_page_run(sample, tmp_path, monkeypatch, capsys):
    page = (SOURCE_DIR / "docs" / "trace-format.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 2
    (tmp_path / "llama405b.h5").write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    for snippet in snippets:
        exec(compile(snippet, "docs/trace-format.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "schema: 1" in printed and "'qkv' 'ring attention' 'out'" in printed
