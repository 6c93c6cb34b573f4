# SPDX-License-Identifier: MIT
"""What must hold of every training step, whatever its schedule: each micro-batch passes every stage and
chunk once each way, in order, one pass at a time; and the figures that analysis/ makes of the trace are
those that cpsim printed of the run. A schedule can be wrong in ways that leave its length plausible."""
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import browser
import trace_events
from conftest import SOURCE_DIR, check_trace
from test_analysis_commands import analyse
from test_report import Page

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace, scenario, side_by_side, summary, training  # noqa: E402

FOUR_STAGES = ["layout.pipeline=4", "layout.data=32", "workload.global_batch=512"]
RUNS = {
    "gpipe": ("train-batch-size.yaml", ["layout.pipeline=4", "layout.data=32", "workload.global_batch=256", "workload.schedule=gpipe"]),
    "1f1b": ("train-batch-size.yaml", [*FOUR_STAGES, "workload.schedule=1f1b"]),
    "interleaved": ("train-batch-size.yaml", [*FOUR_STAGES, "workload.schedule=interleaved", "workload.virtual_stages=2"]),
    "zero-bubble": ("train-batch-size.yaml", [*FOUR_STAGES, "workload.schedule=zero-bubble"]),
    "one stage": ("train-batch-size.yaml", []),
    "405B": ("train-llama3-405b.yaml", []),
}  # fmt: skip
SLACK = 1e-9


def traced(path, name, settings):
    """(path, trace, what --json printed)"""
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [os.environ["CPSIM"], str(SOURCE_DIR / "scenarios" / name), "--json", "-o", str(path), *sets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert check_trace(path) == (0, [])
    return path, cpsim_trace.load(path), json.loads(done.stdout)


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    return traced(tmp_path_factory.mktemp("training") / "step.h5", *RUNS[request.param])


def test_every_micro_batch_passes_every_part_once_each_way(run):
    cells, stages = run[1]["cells"], run[1]["stages"]
    chunks, batches = cells["chunk"].max() + 1, cells["micro_batch"].max() + 1
    known = scenario.parse(run[1].attributes["scenario"])
    assert len(stages) == known["layout"]["pipeline"] and chunks == known["workload"]["virtual_stages"]
    every = len(stages) * chunks * batches
    for kind in ("forward", "backward"):
        own = cells[cells["kind"] == kind]
        assert len(own) == len(own.drop_duplicates(["stage", "chunk", "micro_batch"])) == every
    weights = cells[cells["kind"] == "weight"]
    assert len(weights) in (0, every) and len(weights) == len(weights.drop_duplicates(["stage", "chunk", "micro_batch"]))
    assert (len(weights) > 0) == (known["workload"]["schedule"]["kind"] == "zero-bubble")


def test_a_stage_runs_one_pass_at_a_time_inside_the_step(run):
    _, trace, printed = run
    step = printed["figures"]["step_seconds"]
    for stage, rows in trace["cells"].groupby("stage"):
        rows = rows.sort_values(["start", "duration"])
        ends = (rows["start"] + rows["duration"]).to_numpy()
        assert (rows["start"].to_numpy()[1:] >= ends[:-1] - SLACK * step).all(), "a stage over 100 % busy"
        assert rows["start"].min() >= 0 and ends.max() <= step * (1 + SLACK)
        own = trace["stages"].loc[stage]
        assert own["busy"] == pytest.approx(rows["duration"].sum(), rel=1e-9)
        assert own["end"] == pytest.approx(ends.max(), rel=1e-9)
        assert own["end"] * (1 - SLACK) <= own["exchange_end"] <= step * (1 + SLACK)


def assert_parts_add_up(trace):
    step = trace["phases"].loc[0]
    assert step[cpsim_trace.PARTS].sum() == pytest.approx(step["duration"], rel=1e-9)


def test_the_parts_of_a_step_add_up_to_it(run):
    assert_parts_add_up(run[1])


def test_the_parts_of_a_step_with_experts_add_up_to_it(tmp_path):
    assert_parts_add_up(traced(tmp_path / "step.h5", "train-qwen3-235b.yaml", [])[1])


def test_passes_follow_the_model(run):
    """Forward through the parts in their order (chunk by chunk, stage by stage), backward against it."""
    cells, count = run[1]["cells"], len(run[1]["stages"])
    cells = cells.assign(part=cells["chunk"] * count + cells["stage"], end=cells["start"] + cells["duration"])
    starts, ends = (
        {kind: own.pivot(index="micro_batch", columns="part", values=column).to_numpy() for kind, own in cells.groupby("kind", observed=True)}
        for column in ("start", "end")
    )
    tolerance = SLACK * cells["end"].max()
    assert (starts["forward"][:, 1:] >= ends["forward"][:, :-1] - tolerance).all()
    assert (starts["backward"][:, :-1] >= ends["backward"][:, 1:] - tolerance).all()
    assert (starts["backward"] >= ends["forward"] - tolerance).all()
    if "weight" in starts:
        assert (starts["weight"] >= ends["backward"] - tolerance).all()


def test_passes_in_flight_are_those_of_the_schedule(run):
    """Counted from the cells: forward passes begun less those whose activations are no longer needed, at
    its most. Where gradients of weights are passes of their own, those are the last to need them."""
    last = "weight" if (run[1]["cells"]["kind"] == "weight").any() else "backward"
    for stage, rows in run[1]["cells"].groupby("stage"):
        begun = rows[rows["kind"] == "forward"]["start"].to_numpy()
        ended = (rows["start"] + rows["duration"])[rows["kind"] == last].to_numpy()
        flying = [(begun <= time + 1e-12).sum() - (ended <= time + 1e-12).sum() for time in begun]
        assert max(flying) == run[1]["stages"]["passes_in_flight"][stage]


def test_memory_fits(run):
    stages = run[1]["stages"]
    fraction = scenario.parse(run[1].attributes["scenario"])["memory"]["fraction"]
    assert (stages[list(training.MEMORY)].sum(axis=1) <= fraction * stages["capacity"]).all()


def test_the_same_figures_as_the_summary(run):
    _, trace, printed = run
    assert training.tokens(trace) == printed["figures"]["global_batch_tokens"]
    assert training.gpus(trace) == printed["gpus"]
    # The optimizer's own time follows the exchange and is in no table.
    assert training.step_seconds(trace) == pytest.approx(printed["figures"]["step_seconds"], rel=0.01)
    assert training.step_seconds(trace) <= printed["figures"]["step_seconds"] * (1 + SLACK)
    times = training.stage_times(trace)
    np.testing.assert_allclose(times.sum(axis=1), training.step_seconds(trace), rtol=1e-9)
    for stage, own in enumerate(printed["stages"]):
        assert trace["stages"]["parameters"][stage] == pytest.approx(own["parameter_bytes"], rel=1e-8)
        assert trace["stages"]["activations"][stage] == pytest.approx(own["activation_bytes"], rel=1e-8)


AXES = {"timeline": "time since the start of the step, (m?)s", "memory": "GB of a GPU; dashed: capacity",
        "utilisation": "share of the step, %"}  # fmt: skip


def test_words_and_pictures(run, tmp_path):
    done = analyse("summary", run[0])
    assert done.returncode == 0 and "tokens/s a GPU" in done.stdout and "memory of the fullest GPU" in done.stdout
    done = analyse("compare", run[0], run[0])
    assert done.returncode == 0 and "the same settings" in done.stdout
    assert all(line.endswith("=") for line in done.stdout[done.stdout.index("total ") :].splitlines()[1:])
    for command, label in AXES.items():
        done = analyse(command, run[0], cwd=tmp_path)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", f"step-{command}.svg\n")
        text = (tmp_path / f"step-{command}.svg").read_text(encoding="utf-8")
        assert re.search(f">{label}</text>", text) and ">backward</text>" in text or command == "memory"
    done = analyse("throughput", run[0], run[0], cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "throughput.svg\n")
    for command in ("batch", "latency", "load"):
        done = analyse(command, run[0], cwd=tmp_path)
        assert done.returncode == 2 and "nothing to draw" in done.stderr, command


def test_its_timeline(run):
    command = [os.environ["CPSIM"], "trace", "export", str(run[0]), "--format", "chrome"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert trace_events.faults(done.stdout) == []
    events, cells = json.loads(done.stdout)["traceEvents"], run[1]["cells"]
    passes = [event for event in events if event.get("cat") == "pass"]
    assert len(passes) == len(cells)
    np.testing.assert_allclose([event["ts"] / 1e6 for event in passes], cells["start"], rtol=1e-12, atol=0.51e-9)
    processes = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert [processes[event["pid"]] for event in passes[:: len(passes) // 7]] == [
        f"stage {stage}" for stage in cells["stage"][:: len(passes) // 7]
    ]


@pytest.mark.parametrize("run", ["zero-bubble", "405B"], indirect=True)
def test_the_page(run, tmp_path):
    page = tmp_path / "step.html"
    assert analyse("report", run[0], run[0], "-o", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    read = Page(text)
    assert read.faults == [] and len(read.ids) == len(set(read.ids)) and len(text) < 4_000_000
    assert {"run-1-schedule", "run-1-stages", "run-1-stage-memory"} <= set(read.ids)
    if browser.CHROMIUM is None:
        pytest.skip("no chromium here: the page was not tried in a browser")
    with browser.Browser(tmp_path / "profile") as chromium:
        for width, dark in ((1200, False), (390, True)):
            seen = chromium.open(page, width, dark)
            assert seen["complaints"] == [] and seen["asked"] == []
            assert len(seen["pictures"]) == seen["figures"] >= 7
            assert all(picture["drawn"] > 10_000 and picture["text"] >= 9 for picture in seen["pictures"])
            assert (seen["twice"], seen["dangling"], seen["overflow"]) == (0, 0, 0)


def test_two_steps_side_by_side(run):
    assert side_by_side.draw_steps([run[1], run[1]]) is not None
    assert side_by_side.draw_steps([run[1]]) is None and side_by_side.draw_latency([run[1], run[1]]) is None


def test_kinds_of_passes_are_told_apart_in_grey():
    def lightness(shade):
        red, green, blue = (int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    styles = [*training.KINDS.values(), training.EXCHANGE, training.IDLE]
    for number, (shade, hatch, _) in enumerate(styles):
        for other, pattern, _ in styles[number + 1 :]:
            assert hatch != pattern or abs(lightness(shade) - lightness(other)) > 0.1


def test_batch_of_a_sweep(tmp_path):
    """Steps and GPU-hours of the shipped sweep over replicas; beyond the critical batch, 7.1 M tokens,
    steps fall slower than the batch grows."""
    command = [os.environ["CPSIM"], "sweep", "-q", "-o", str(tmp_path / "out"), str(SOURCE_DIR / "scenarios/sweeps/training-width.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "out" / "sweep.h5"
    done = analyse("batch", path, "-o", tmp_path / "batch.svg")
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "batch.svg").read_text(encoding="utf-8")
    assert ">GPU-hours to the end</text>" in text and "dashed: the critical batch" in text
    assert "Batch" in summary_of(path)


def summary_of(path):
    from analysis import report

    return report.page([path])
