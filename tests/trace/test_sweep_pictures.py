# SPDX-License-Identifier: MIT
"""Pictures and page of a sweep, from a small one that is run here and from points made by hand."""
import os
import subprocess
import sys

import pandas
import pytest

pytest.importorskip("matplotlib")

import browser
from conftest import SOURCE_DIR
from test_analysis_commands import analyse
from test_report import Page

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace, plans, sweep  # noqa: E402

SWEEP = f"""\
schema: 1
title: A sweep <to try>
base: {SOURCE_DIR}/scenarios/how-many-nodes.yaml
axes:
  grid:
    layout.context: [1, 2, 4]
    workload.turns.0.prompt: [8192 tokens, 65536 tokens, 524288 tokens]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    command = [os.environ["CPSIM"], "sweep", "-q", "-o", str(folder / "out"), str(folder / "sweep.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "out" / "sweep.h5"


def test_what_was_varied_is_known(results):
    trace = cpsim_trace.load(results)
    assert sweep.is_sweep(trace)
    assert sweep.parameters(trace) == ["layout.context", "workload.turns.0.prompt"]
    assert sweep.first_metric(trace) == "ttft_seconds"
    # half a million tokens do not fit one node, nor two
    assert sweep.counts(trace) == {"done": 7, "rejected": 2, "failed": 0}


def test_a_folder_is_what_lies_in_it(results, tmp_path):
    assert plans.open_trace(results.parent)["points"].equals(cpsim_trace.load(results)["points"])
    with pytest.raises(ValueError, match="a folder with neither sweep.h5 nor plan.csv; expected "):
        plans.open_trace(tmp_path)


def test_what_a_plan_gave_up_is_not_on_its_front(tmp_path):
    # The cheapest kept its targets in a short run, and not in the long one that confirms: it has figures, and is no answer.
    (tmp_path / "plan.csv").write_text(
        "candidate,layout.tensor,state,rule,gpus,dollars_per_hour,ttft_p99_seconds,reason\n"
        "0,1,too small,compute-bound,1,2.5,,its requests are more FLOPs\n"
        "1,2,too small,confirm,2,5,0.3,not surely in a long one\n"
        "2,4,good,none,4,10,0.2,\n"
        "3,8,good,none,8,20,0.1,\n", encoding="utf-8")  # fmt: skip
    trace = plans.load(tmp_path)
    assert sweep.counts(trace) == {"rejected": 2, "done": 2}
    assert sorted(sweep.done(trace)["layout.tensor"]) == [4, 8]


def test_every_column_says_what_it_is(results):
    import h5py

    with h5py.File(results) as file:
        names = {name: column.attrs["long_name"] for name, column in file["points"].items()}
    assert names["ttft_seconds"] == "Time to first token. NaN: none was found."
    assert names["prefill_mfu"].startswith("flops / (seconds x dense bf16 peak of all GPUs).")
    assert names["layout.context"].startswith("Varied by the sweep: Groups of GPUs")
    assert not [name for name, text in names.items() if "Found by the run" in text or not text]
    assert names["memory_bytes_per_gpu"].startswith("Deprecated: now peak_memory_bytes_per_gpu.")


def test_the_heat_map_s_table(results):
    trace = cpsim_trace.load(results)
    table = sweep.grid(trace, "ttft_seconds")
    points = trace["points"].set_index(["layout.context", "workload.turns.0.prompt"])["ttft_seconds"]
    assert table.shape == (3, 3)
    assert table.loc[4, 8192] == points[4, 8192] and pandas.isna(table.loc[2, 524288])


def test_the_front_worked_by_hand():
    """Seconds against tokens/s: (1, 5) is quickest, (2, 9) faster for more time, (3, 9) and (4, 8)
    are beaten by (2, 9), (5, 10) is the most."""
    points = pandas.DataFrame({"ttft_seconds": [4.0, 1, 3, 2, 5], "tokens_per_second": [8.0, 5, 9, 9, 10]})
    assert sweep.front(points, "ttft_seconds", "tokens_per_second").tolist() == [False, True, False, True, True]


def test_commands(results, tmp_path):
    done = analyse("summary", results)
    assert done.stdout.startswith("A sweep <to try>\npoints: 7 done, 2 rejected, 0 failed\n")
    for command in ("heat-map", "pareto"):
        done = analyse(command, results, cwd=tmp_path)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", f"sweep-{command}.svg\n")
        assert "TTFT, s" in (tmp_path / f"sweep-{command}.svg").read_text(encoding="utf-8")


def test_the_page(results, tmp_path):
    page = tmp_path / "sweep.html"
    assert analyse("report", results, "-o", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    read = Page(text)
    assert read.faults == [] and read.counts["figure"] == 3
    assert "<h1>A sweep &lt;to try&gt;</h1>" in text and ">Left out</h2>" in text
    if browser.CHROMIUM is None:
        pytest.skip("no chromium here: the page was not tried in a browser")
    with browser.Browser(tmp_path / "profile") as chromium:
        for width, dark in ((1200, False), (390, True)):
            seen = chromium.open(page, width, dark)
            assert seen["complaints"] == [] and seen["asked"] == []
            assert len(seen["pictures"]) == 3 and all(picture["drawn"] > 10_000 for picture in seen["pictures"])
            assert (seen["twice"], seen["dangling"], seen["overflow"]) == (0, 0, 0)


def test_runs_and_sweeps_are_told_apart(results, sample):
    done = analyse("pareto", sample)
    assert (done.returncode, done.stderr) == (2, "analysis: error: this picture is of a sweep: name its sweep.h5\n")
    done = analyse("report", results, sample)
    assert (done.returncode, done.stderr) == (2, "analysis: error: a report is of runs, or of one sweep; not of both\n")
    done = analyse("timeline", results)
    assert done.returncode == 2 and "nothing to draw" in done.stderr
