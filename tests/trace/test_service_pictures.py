# SPDX-License-Identifier: MIT
"""A service's trace: the figures that analysis/ draws from its requests are those that cpsim printed of
the same run, its timeline follows the Trace Event format, its pictures and page are drawn."""
import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")

import browser
import trace_events
from conftest import SOURCE_DIR
from test_analysis_commands import analyse
from test_report import Page

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace, serving, summary  # noqa: E402

SCENARIOS = ["serving-70b-chat.yaml", "serving-disaggregated.yaml", "serving-mixed.yaml"]


@pytest.fixture(scope="module", params=SCENARIOS)
def run(request, tmp_path_factory):
    """(path of the trace, what --json printed)"""
    path = tmp_path_factory.mktemp("service") / "service.h5"
    command = [os.environ["CPSIM"], str(SOURCE_DIR / "scenarios" / request.param), "--json", "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return path, json.loads(done.stdout)


def test_the_same_figures_as_the_summary(run):
    path, printed = run
    trace = cpsim_trace.load(path)
    service = printed["figures"]
    measured = serving.latencies(trace)
    assert len(measured) == service["measured"]
    for column, key in (("ttft", "ttft"), ("tpot", "tpot"), ("latency", "e2e")):
        for share in (0.5, 0.9, 0.95, 0.99):
            found = serving.quantile(measured[column].dropna(), share)
            assert found == pytest.approx(service[f"{key}_p{100 * share:g}_seconds"], rel=1e-9), (column, share)
        assert measured[column].mean() == pytest.approx(service[f"{key}_mean_seconds"], rel=1e-9)
    assert serving.gpus(trace) == printed["gpus"]
    assert measured["output_tokens"].sum() == service["output_tokens"]
    good = serving.within_targets(trace, measured)
    assert good != good if not any(serving.class_targets(trace).values()) else good == pytest.approx(service["good_share"], rel=1e-9)
    for of in printed.get("classes", []):
        own = measured[measured["class"] == of["name"]]
        assert len(own) == of["measured"]
        assert serving.quantile(own["ttft"], 0.99) == pytest.approx(of["ttft_p99_seconds"], rel=1e-9)
        assert serving.facts(trace)[f"{of['name']}: TTFT p99"][0] == pytest.approx(of["ttft_p99_seconds"], rel=1e-9)
        if serving.class_targets(trace)[of["name"]]:
            assert serving.within_targets(trace, own) == pytest.approx(of["good_share"], rel=1e-9)
    per_gpu, _ = serving.rates(trace)
    assert per_gpu == pytest.approx(service["output_tokens_per_second"] / printed["gpus"], rel=1e-6)


def test_the_summary_names_them(run):
    done = analyse("summary", run[0])
    assert done.returncode == 0 and "TTFT p99" in done.stdout and "tokens/s a user" in done.stdout
    assert summary.totals(cpsim_trace.load(run[0]))["requests"][0] == run[1]["figures"]["requests"]


def test_its_timeline(run):
    command = [os.environ["CPSIM"], "trace", "export", str(run[0]), "--format", "chrome"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert trace_events.faults(done.stdout) == []
    events = json.loads(done.stdout)["traceEvents"]
    trace = cpsim_trace.load(run[0])
    assert sum(event["ph"] == "X" for event in events) == len(trace["steps"])
    begun = [event for event in events if event["ph"] == "b" and event["name"] == "request"]
    assert len(begun) == run[1]["figures"]["completed"]
    assert sum(event["ph"] == "C" for event in events) == 4 * len(trace["series"])


def test_pictures(run, tmp_path):
    for command, label in (
        ("latency", "TTFT, s"),
        ("load", "time, s"),
        ("batch", "share of the time in steps, %"),
    ):
        done = analyse(command, run[0], cwd=tmp_path)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", f"service-{command}.svg\n")
        assert label in (tmp_path / f"service-{command}.svg").read_text(encoding="utf-8")
    done = analyse("throughput", run[0], run[0], cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "throughput.svg\n")
    done = analyse("memory", run[0], cwd=tmp_path)
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr


def test_the_page(run, tmp_path):
    page = tmp_path / "service.html"
    assert analyse("report", run[0], "-o", page).returncode == 0
    read = Page(page.read_text(encoding="utf-8"))
    assert read.faults == [] and len(read.ids) == len(set(read.ids))
    assert {"latency", "load", "batch"} <= set(read.ids)
    if browser.CHROMIUM is None:
        pytest.skip("no chromium here: the page was not tried in a browser")
    with browser.Browser(tmp_path / "profile") as chromium:
        for width, dark in ((1200, False), (390, True)):
            seen = chromium.open(page, width, dark)
            assert seen["complaints"] == [] and seen["asked"] == []
            assert len(seen["pictures"]) == seen["figures"] >= 3
            assert all(picture["drawn"] > 10_000 and picture["text"] >= 9 for picture in seen["pictures"])
            assert (seen["twice"], seen["dangling"], seen["overflow"]) == (0, 0, 0)
