# SPDX-License-Identifier: MIT
"""python3 -m analysis: figures worked by hand on the sample trace, comparisons of real runs, and that
every picture is drawn and says its units."""
import contextlib
import io
import os
import re
import subprocess
import sys

import h5py
import pandas
import pytest

pytest.importorskip("matplotlib")

from conftest import SOURCE_DIR, write_sample

sys.path.insert(0, str(SOURCE_DIR))
from analysis import __main__, cpsim_trace, figures, look, scenario, summary  # noqa: E402


def analyse_program(*arguments, cwd=None):
    """As a user does: the folder as a program."""
    command = [sys.executable, "-B", str(SOURCE_DIR / "analysis"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd)


def analyse(*arguments, cwd=None):
    """The same without a process, which takes longer to start than most commands to run."""
    out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
    os.chdir(cwd or before)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = __main__.main([str(argument) for argument in arguments])
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def simulate(path, scenario_file="how-many-nodes.yaml", *settings):
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [os.environ["CPSIM"], str(SOURCE_DIR / "scenarios" / scenario_file), "-q", "-o", str(path), *sets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    complaints = [line for line in done.stderr.splitlines() if ": note: " not in line]
    assert (done.returncode, complaints) == (0, [])
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return simulate(folder / "a.h5"), simulate(folder / "b.h5", "how-many-nodes.yaml", "layout.context=8")


# --- the resolved scenario ---


def test_a_scenario_is_read_back():
    text = (
        "schema: 1\ntitle: \"a: 'b' \\u00fc\"\ngpu:\n  memory_rate: 2.4 TB/s\n  deep:\n    bf16: 989.4 TFLOP/s\n"
        "workload:\n  turns:\n    - prompt: 10 tokens\n      output: 2 tokens\n    - prompt: 20 tokens\n  list:\n    - 1\n    - two\n"
        "precise: true\nempty:\nlast: 0.5\n"
    )
    parsed = scenario.parse(text)
    assert parsed == {
        "schema": 1,
        "title": "a: 'b' ü",
        "gpu": {"memory_rate": "2.4 TB/s", "deep": {"bf16": "989.4 TFLOP/s"}},
        "workload": {"turns": [{"prompt": "10 tokens", "output": "2 tokens"}, {"prompt": "20 tokens"}], "list": [1, "two"]},
        "precise": True,
        "empty": None,
        "last": 0.5,
    }
    assert scenario.flat(parsed)["workload.turns.1.prompt"] == "20 tokens"


def test_every_scenario_s_own_text_is_read_as_yaml_reads_it(runs):
    yaml = pytest.importorskip("yaml")
    text = cpsim_trace.load(runs[0], tables=[]).attributes["scenario"]
    assert scenario.parse(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text, value",
    [("2.4 TB/s", 2.4e12), ("400 Gb/s", 50e9), ("350 us", 350e-6), ("1.05 MB", 1.05e6), ("256 KiB", 262144), (3, 3.0),
     ("0 s", 0.0), ("32 tokens", 32), ("7 furlongs", None)],
)  # fmt: skip
def test_quantities(text, value):
    assert scenario.number(text) == (None if value is None else pytest.approx(value, rel=1e-15))


@pytest.mark.parametrize(
    "value, unit, text",
    [(74.5, "s", "74.5 s"), (0.0123, "s", "12.3 ms"), (4.5e-6, "s", "4.50 us"), (8.52e13, "B", "85.2 TB"),
     (0, "B", "0 B"), (999.6, "B", "1,000 B"), (float("nan"), "J", "not modelled")],
)  # fmt: skip
def test_numbers_for_people(value, unit, text):
    assert look.quantity(value, unit) == text


# --- words ---


def test_summary_of_the_sample(sample):
    done = analyse_program("summary", sample)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Überlänge\n")
    # the decode begins at 74.5 s and lasts 2.56 s; 41 TB; one phase's energy is not modelled; 60.2 +
    # 4.1 + 3.3 GB; link 3 is NVLink's busiest at 0.3, link 7 the cards' at 0.7
    for line in (
        "simulated time +77.1 s",
        "bytes over NVLink +41.0 TB",
        "energy +not modelled",
        "GPUs +4",
        "memory of the fullest GPU +67.6 GB",
        "busiest NVLink +30.0 %",
        "busiest network card +70.0 %",
    ):
        assert re.search(f"^{line}$", done.stdout, re.MULTILINE), line


def test_what_changed(runs):
    done = analyse("compare", *runs)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^layout\.context +4 +8$", done.stdout, re.MULTILINE)
    assert re.search(r"^GPUs +32 +64 +\+100\.0 %$", done.stdout, re.MULTILINE)
    with h5py.File(runs[0]) as a, h5py.File(runs[1]) as b:
        before, after = a["phases/latency"][0], b["phases/latency"][0]
    shown = [look.quantity(before, "s"), look.quantity(after, "s"), f"{100 * (after / before - 1):+.1f} %"]
    assert re.search("^prefill turn 1 +" + " +".join(map(re.escape, shown)) + " ", done.stdout, re.MULTILINE)


def test_the_part_that_changed_most(runs):
    rows = summary.changed_phases(*(cpsim_trace.load(path) for path in runs))
    name, before, after, part, delta = rows[1]
    # twice as many steps in the ring of each decode step: its exposed time grows the most
    assert (name, part) == ("decode turn 1", "ring_exposed") and after > before and delta > 0


def test_a_run_does_not_differ_from_itself(runs):
    done = analyse("compare", runs[0], runs[0])
    assert "the same settings" in done.stdout
    totals = done.stdout[done.stdout.index("total ") :].splitlines()[1:]
    assert totals and all(line.endswith("=") for line in totals)


# --- pictures ---

AXES = {
    "phases": ["share of the phase's time, %"],
    "timeline": ["time since the start of the layer, ms"],
    "roofline": ["intensity, FLOP per byte of GPU memory", "achieved, TFLOP/s"],
    "memory": ["GB at its fullest; dashed: capacity"],
    "utilisation": ["GPU", "busy, % of the run"],
    "links": ["links, from the busiest", "used, % of capacity"],
}


@pytest.mark.parametrize("command", AXES)
def test_pictures_are_drawn_with_their_axes_named(runs, tmp_path, command):
    done = analyse(command, runs[0], cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"a-{command}.svg\n")
    svg = (tmp_path / f"a-{command}.svg").read_text(encoding="utf-8")
    for label in AXES[command]:
        assert f">{label}</text>" in svg
    assert svg.count("<path") > 12
    run = analyse_program if command == "roofline" else analyse  # another process, other hashes
    again = run(command, runs[0], "-o", "again.svg", cwd=tmp_path)
    assert again.returncode == 0 and (tmp_path / "again.svg").read_text(encoding="utf-8") == svg


def test_the_roofline_is_the_gpu_s(runs):
    trace = cpsim_trace.load(runs[0])
    # platforms/gpus/h100-hbm2e-500w.yaml
    rate, peaks = figures.roofs(trace)
    assert rate == 2.4e12 and peaks["bf16"] == 989.4e12
    points = figures.kernels(trace)
    assert len(points) and (points["rate"] < max(peaks.values())).all()
    assert (points["rate"] <= points["intensity"] * rate * 1.0001).all()


def test_shades_keep_their_order_in_grey():
    """Neighbours in a stack differ in lightness by a tenth at least, or have a hatch."""

    def lightness(shade):
        red, green, blue = (int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    parts = list(figures.PARTS.values())
    for (one, hatch, _), (two, other, _) in zip(parts, parts[1:]):
        assert abs(lightness(one) - lightness(two)) > 0.1 or hatch != other


def test_what_cannot_be_drawn_is_said(tmp_path):
    path = tmp_path / "run.h5"
    assert write_sample(path, 0).returncode == 0
    done = analyse("timeline", path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"analysis: error: {path}: nothing to draw: it has no operators; trace: {{operators: layer}} keeps some\n"
    )
    missing = analyse_program("summary", "none.h5", cwd=tmp_path)
    assert missing.returncode == 2 and missing.stderr.startswith("analysis: error: ")


def test_the_paper_s_figures(tmp_path):
    done = analyse("scaling", os.environ["CPSIM"], "-o", tmp_path / "figures", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    names = ["figure-6a.svg", "figure-6b.svg", "figure-7.svg", "figure-8.svg", "figure-9.svg"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == names
    for name in names:
        text = (tmp_path / "figures" / name).read_text(encoding="utf-8")
        assert ("measured, arXiv 2411.01783" in text) == (name != "figure-6b.svg"), name


def test_quantisation_over_bits_and_tokens(tmp_path):
    """The picture of the shipped sweep; and where D_crit crosses, more tokens begin to make 3 bits worse."""
    swept = subprocess.run(
        [os.environ["CPSIM"], "sweep", f"{SOURCE_DIR}/scenarios/sweeps/quantisation-surface.yaml", "-o", str(tmp_path / "sweep")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert swept.returncode == 0, swept.stderr
    drawn = analyse("quantisation", tmp_path / "sweep" / "sweep.h5", "-o", tmp_path / "surface.svg", cwd=tmp_path)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    text = (tmp_path / "surface.svg").read_text(encoding="utf-8")
    assert "D_crit" in text and "extrapolated" in text and "+0.01 nat" in text
    points = pandas.read_csv(tmp_path / "sweep" / "sweep.csv")
    for bits, some in points.groupby("quality.weight_bits"):
        critical = some["critical_tokens"].iloc[0]
        losses, tokens = some["loss_nats_per_token"].to_numpy(), some["quality.tokens"].to_numpy()
        falling = losses[1:] < losses[:-1]
        assert (falling == (tokens[1:] <= critical))[(tokens[1:] <= critical) | (tokens[:-1] >= critical)].all(), bits


def test_precisions_that_nothing_beats(tmp_path):
    swept = subprocess.run(
        [os.environ["CPSIM"], "sweep", f"{SOURCE_DIR}/scenarios/sweeps/precision-405b.yaml", "-o", str(tmp_path / "sweep")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert swept.returncode == 0, swept.stderr
    done = analyse("precisions", tmp_path / "sweep" / "sweep.h5", "-o", tmp_path / "front.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line[2:].split()[0]: line[0] for line in done.stdout.splitlines()[1:-2]}
    assert len(rows) == 8 and rows["w4a16"] == "*" and rows["bf16"] == "*", rows
    assert rows["fp8"] == " ", rows  # one scale a tensor is as good by the law, and faster
    assert (tmp_path / "front.svg").exists()
