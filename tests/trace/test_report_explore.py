# SPDX-License-Identifier: MIT
"""The report's pictures that answer, in Chromium, by a pointer: a click on the slowest request shows the steps that it waited for,
on a phase its operators, on a point of a sweep the command that runs it; in the dark, on a phone, without scripts."""
import json
import os
import re
import shlex
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("plotly", reason="Debian: python3-plotly")

import browser
from conftest import SOURCE_DIR
from test_analysis_commands import analyse, simulate
from test_report import Page

sys.path.insert(0, str(SOURCE_DIR))
from analysis import cpsim_trace  # noqa: E402

# Where on the screen a point of a figure is, by plotly's own axes.
PLACE = """((name, curve, index) => {
  const node = document.getElementById('explore-' + name);
  node.scrollIntoView({block: 'center'});
  const box = node.getBoundingClientRect(), layout = node._fullLayout, trace = node.data[curve];
  const x = trace.base ? trace.base[index] + trace.x[index] / 2 : trace.type === 'bar' ? trace.x[index] / 2 : trace.x[index];
  return JSON.stringify({x: box.x + layout.xaxis._offset + layout.xaxis.d2p(x), y: box.y + layout.yaxis._offset + layout.yaxis.d2p(trace.y[index])});
})"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("explore")
    simulate(made / "chats.h5", "serving-70b-chat.yaml", "workload.requests=300", "workload.warm_up=0 s")
    simulate(made / "more.h5", "serving-70b-chat.yaml", "workload.requests=300", "workload.warm_up=0 s", "workload.arrivals.rate=6 /s")
    simulate(made / "one.h5", "one-gpu.yaml")
    sweep = {"schema": 1, "base": str(SOURCE_DIR / "scenarios" / "one-gpu.yaml"), "axes": {"grid": {"layout.tensor": [1, 2, 4], "workload.turns.0.prompt": ["500 tokens", "4000 tokens"]}}}
    (made / "sweep.yaml").write_text(json.dumps(sweep))
    subprocess.run([os.environ["CPSIM"], "sweep", "sweep.yaml", "-o", "sweep", "-q"], cwd=made, check=True)
    plan = {"schema": 1, "base": str(SOURCE_DIR / "scenarios" / "serving-70b-chat.yaml"), "rate": "2 /s", "slo": {"ttft_p99": "2 s", "tpot_p99": "60 ms"},
            "requests": 100, "confirm_requests": 0,
            "axes": {"grid": {"layout.tensor": [1, 4, 8], "workload.service.max_batched_tokens": ["2048 tokens", "8192 tokens"]}}}  # fmt: skip
    (made / "plan.yaml").write_text(json.dumps(plan))
    subprocess.run([os.environ["CPSIM"], "plan", "plan.yaml", "-o", "plan", "-q"], cwd=made, check=True)
    for name, traces in {"plan": ["plan"], "chats": ["chats.h5"], "two": ["chats.h5", "more.h5"], "one": ["one.h5"], "points": ["sweep/sweep.h5"]}.items():
        done = analyse("report", "--interactive", *(made / trace for trace in traces), "-o", made / f"{name}.html", cwd=made)
        assert (done.returncode, done.stderr) == (0, "")
    return made


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if not browser.CHROMIUM:
        pytest.skip("no Chromium")
    with browser.Browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def explored(chromium, path, width=1280, dark=False):
    seen = chromium.open(path, width, dark)
    chromium.wait_for("document.documentElement.dataset.explored")
    assert seen["asked"] == [] and seen["complaints"] == []
    return chromium


def click(chromium, name, curve, index):
    place = json.loads(chromium.ask(f"{PLACE}({name!r}, {curve}, {index})"))
    chromium.click(place["x"], place["y"])


def said(chromium, name):
    return chromium.ask(f"document.getElementById('said-{name}').textContent")


@pytest.mark.parametrize("name", ["chats", "two", "one", "points", "plan"])
def test_the_page_is_whole(folder, name):
    text = (folder / f"{name}.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.faults == [] and len(page.ids) == len(set(page.ids)) and page.fetched == ["data:,"]
    assert page.counts["figure"] >= 2 and page.counts["noscript"] == 1  # who has no scripts has the pictures
    assert len(text) < 6_000_000


def test_a_slow_request_leads_to_its_steps(folder, chromium):
    explored(chromium, folder / "chats.html")
    trace = cpsim_trace.load(folder / "chats.h5")
    requests, steps = trace["requests"], trace["steps"]
    slowest = (requests["first_token"] - requests["arrival"]).idxmax()
    row = requests.loc[slowest]
    click(chromium, "requests", 0, int(slowest))
    chromium.wait_for("document.getElementById('said-requests').textContent.includes('below')", 20)
    text = said(chromium, "requests")
    assert text.startswith(f"request {slowest}: {row['prompt_tokens']:,} tokens asked")
    within = ((steps["start"] >= row["arrival"]) & (steps["start"] <= row["first_token"])).sum()
    assert abs(int(re.search(r"; (\d+) points below", text)[1]) - within) <= 1  # digits of the page
    low, high = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-steps').layout.xaxis.range)"))
    span = row["first_token"] - row["arrival"]
    assert low == pytest.approx(row["arrival"] - 0.1 * span, abs=1e-3) and high == pytest.approx(row["first_token"] + 0.1 * span, abs=1e-3)


def test_two_runs_are_in_one_picture(folder, chromium):
    explored(chromium, folder / "two.html")
    names = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-requests').data.map(trace => trace.name))"))
    assert names == ["run 1: requests", "run 2: requests"]
    click(chromium, "requests", 1, 200)
    chromium.wait_for("document.getElementById('said-requests').textContent.startsWith('run ')", 20)
    shown = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-steps').data.map(trace => [trace.name, trace.visible]))"))
    run = said(chromium, "requests")[:5]
    assert [name.startswith(run) for name, _ in shown] == [visible is True for _, visible in shown]


def test_a_step_leads_to_its_operators(folder, chromium):
    """The operators of the step that the trace says it is like, one layer of them, in ms from where that step began."""
    explored(chromium, folder / "chats.html")
    trace = cpsim_trace.load(folder / "chats.h5")
    steps, operators = trace["steps"], trace["operators"]
    longest = (steps["duration"] / steps["steps"]).idxmax()
    click(chromium, "steps", 0, int(longest))
    like = int(steps["like"][longest])
    name = trace["phases"]["name"][like]
    chromium.wait_for(f"document.getElementById('said-operators').textContent === {json.dumps(name)}", 20)
    assert name.startswith(f"step {like + 1}: ")
    shown = "document.getElementById('explore-operators').data.filter(t => t.visible === true)"
    assert json.loads(chromium.ask(f"JSON.stringify([...new Set({shown}.map(t => t.meta.group))])")) == [name]
    assert chromium.ask(f"{shown}.reduce((sum, t) => sum + t.x.length, 0)") == (operators["phase"] == like).sum()
    own = operators[(operators["phase"] == like) & (operators["segment"] == "layers")]
    low, high = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-operators').layout.xaxis.range)"))
    layer = 1e3 * (own["start"] + own["duration"]).max() - 1e3 * own["start"].min()
    assert high - low == pytest.approx(1.04 * layer, rel=1e-3)


def test_what_changed_between_two_runs(folder, chromium):
    explored(chromium, folder / "two.html")
    one, two = (cpsim_trace.load(folder / f"{name}.h5").attributes for name in ("chats", "more"))
    drawn = json.loads(chromium.ask("JSON.stringify((({x, y}) => [x, y])(document.getElementById('explore-changes').data[0]))"))
    changes = dict(zip(drawn[1], drawn[0]))
    assert len(changes) >= 10
    for name, change in changes.items():
        assert change == pytest.approx(100 * (two[name] / one[name] - 1), rel=1e-4)
    assert [abs(change) for change in changes.values()] == sorted((abs(change) for change in changes.values()), reverse=True)
    text = (folder / "two.html").read_text(encoding="utf-8")
    assert "<th>change</th>" in text  # without scripts too: keys that differ, and figures
    assert "<tr><td>workload.<wbr>arrivals.<wbr>rate</td><td>4 /s</td><td>6 /s</td></tr>" in text


def test_a_phase_leads_to_its_operators(folder, chromium):
    explored(chromium, folder / "one.html")
    curve = chromium.ask("document.getElementById('explore-phases').data.findIndex(trace => trace.name === 'GEMMs')")
    shown = "[...new Set(document.getElementById('explore-operators').data.filter(t => t.visible === true).map(t => t.meta.group))].join()"
    assert chromium.ask(shown) == "prefill turn 1"
    click(chromium, "phases", curve, 1)
    chromium.wait_for(f"{shown} === 'decode turn 1'", 20)
    assert said(chromium, "phases").startswith("decode turn 1: GEMMs ")


def test_a_point_leads_to_its_command(folder, chromium):
    explored(chromium, folder / "points.html")
    click(chromium, "front", 1, 0)  # the first of the front; the others are drawn before it
    chromium.wait_for("document.querySelector('#said-front code') !== null", 20)
    words = shlex.split(chromium.ask("document.querySelector('#said-front code').textContent"))
    assert words[0] == "cpsim" and words.count("--set") == 2
    run = subprocess.run([os.environ["CPSIM"], *words[1:], "--json", "-o", folder / "point.h5"], capture_output=True, text=True, check=True)
    figure = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-front').data[1].x)"))[0]
    assert figure == pytest.approx(json.loads(run.stdout)["figures"]["ttft_seconds"], rel=1e-5)
    lines = chromium.ask("document.getElementById('explore-axes').data[0].dimensions.length")
    assert lines >= 4


def test_axes_that_are_dragged_along_keep_the_best_of_what_crosses_there(folder, chromium):
    """plotly's own event, as a drag along an axis ends in it: of tensor ranks 1 and 2 the quickest is one of 2."""
    explored(chromium, folder / "points.html")
    axes = json.loads(chromium.ask("JSON.stringify(document.getElementById('explore-axes').data[0].dimensions.map(d => d.label))"))
    assert axes[0] == "tensor"
    chromium.ask("Plotly.restyle('explore-axes', {'dimensions[0].constraintrange': [[0.5, 2.5]]}).then(() => 1)")
    chromium.wait_for("document.querySelector('#said-axes code') !== null", 20)
    text = said(chromium, "axes")
    assert text.startswith("4 of 6 points; the best of them: layout.tensor = 2; workload.turns.0.prompt = 500 tokens; TTFT: ")


def test_a_plan_s_point_has_its_scenario(folder, chromium):
    explored(chromium, folder / "plan.html")
    click(chromium, "front", 1, 0)
    chromium.wait_for("document.querySelector('#said-front pre') !== null", 20)
    (folder / "point.yaml").write_text(chromium.ask("document.querySelector('#said-front pre').textContent"))
    assert chromium.ask("document.querySelector('#said-front a').download") == "point.yaml"
    shown = subprocess.run([os.environ["CPSIM"], "show", folder / "point.yaml"], capture_output=True, text=True, check=True).stdout
    words = shlex.split(chromium.ask("document.querySelector('#said-front code').textContent"))
    again = subprocess.run([os.environ["CPSIM"], "show", *words[1:]], capture_output=True, text=True, check=True).stdout
    assert "max_batched_tokens: " in shown and values(shown) == values(again)


def values(text):
    """Keys and values, without where each came from, and the title, which says that keys were changed."""
    return [line.split("#")[0].rstrip() for line in text.splitlines() if not line.startswith(("#", "title:"))]


@pytest.mark.parametrize("width, dark", [(390, False), (1280, True)])
def test_on_a_phone_and_in_the_dark(folder, chromium, width, dark):
    explored(chromium, folder / "chats.html", width, dark)
    assert chromium.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    paper = chromium.ask("document.getElementById('explore-requests')._fullLayout.paper_bgcolor")
    assert paper.lower() == ("#16181c" if dark else "#ffffff")
    chromium.screenshot(folder / f"{width}.png")


def test_without_plotly_the_page_is_refused_by_name(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    from analysis import explore

    with pytest.raises(explore.NoPlotly, match="python3-plotly"):
        explore.library()
