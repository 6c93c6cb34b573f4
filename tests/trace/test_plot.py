# SPDX-License-Identifier: MIT
"""cpsim run --plot, every character of it, drawn again from the run's trace."""

import math
import os
import subprocess

import h5py
import numpy as np

from conftest import SOURCE_DIR

CPSIM = os.environ["CPSIM"]
WIDTH = 80 - 18  # of the picture: label and edge are 18 columns


def run(tmp_path, scenario, *words):
    """What is printed from the empty line before the pictures on, and the trace."""
    path = tmp_path / "run.h5"
    command = [CPSIM, SOURCE_DIR / "scenarios" / scenario, *words, "-o", path, "--width", "80"]
    plain = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    drawn = subprocess.run([*command, "--plot"], check=True, capture_output=True, text=True, timeout=120).stdout
    assert drawn.startswith(plain + "\n")
    return drawn.removeprefix(plain + "\n").splitlines(), h5py.File(path)


def row(label, spans, seconds):
    line = ["."] * WIDTH
    middles = (np.arange(WIDTH) + 0.5) * seconds / WIDTH
    for start, end, mark in spans:
        for x in np.flatnonzero((middles >= start) & (middles < end)):
            line[x] = mark
    for start, end, mark in spans:
        x = min(int(start / seconds * WIDTH), WIDTH - 1)
        if not ((middles >= start) & (middles < end)).any() and line[x] == ".":
            line[x] = mark
    return f"{label:>16} |{''.join(line)}"


def axis(last):
    return [" " * 17 + "+" + "-" * WIDTH, " " * 18 + "0 s".ljust(WIDTH - len(last)) + last]


def test_a_pipeline_stage_by_stage(tmp_path):
    words = ["layout.data=1", "layout.pipeline=2", "workload.sharding=none", "software=pytorch-training-bf16", "workload.schedule=1f1b"]
    lines, trace = run(tmp_path, "train-two-gpus.yaml", *(w for word in words for w in ("--set", word)))
    cells, seconds = trace["cells"], float(trace["phases/duration"][0])
    marks = ["FBW"[kind] for kind in cells["kind"][:]]
    spans = list(zip(cells["stage"][:], cells["start"][:], cells["start"][:] + cells["duration"][:], marks))
    assert lines[0] == "a step          F forward, B backward, . idle, exchanges and the optimizer"
    assert lines[1:3] == [row(f"stage {stage}", [s[1:] for s in spans if s[0] == stage], seconds) for stage in (0, 1)]
    assert lines[1][18:].startswith("F") and lines[2][18:].startswith(".F".rjust(lines[2][18:].index("F") + 1, "."))  # it waits for the first
    assert lines[3:] == axis(lines[-1].split()[-2] + " ms")


def test_a_conversation_phase_by_phase(tmp_path):
    lines, trace = run(tmp_path, "one-gpu.yaml")
    starts, durations = trace["phases/start"][:], trace["phases/duration"][:]
    seconds = (starts + durations).max()
    marks = [("prefill", "P"), ("decode", "D")]
    names = [marks[kind] for kind in trace["phases/kind"][:]]
    turns = trace["phases/turn"][:]
    expected = [row(f"{name} turn {turn}", [(start, start + took, mark)], seconds)
                for (name, mark), turn, start, took in zip(names, turns, starts, durations)]  # fmt: skip
    assert lines[0] == "phases          over time"
    assert lines[1:-2] == expected and len(expected) >= 2
    assert lines[-2:] == axis(" ".join(lines[-1].split()[-2:]))


def averages(starts, ends, seconds):
    """Of so many at once, in each column."""
    edges = np.arange(WIDTH + 1) * seconds / WIDTH
    took = np.minimum(ends[:, None], edges[1:]) - np.maximum(starts[:, None], edges[:-1])
    return np.clip(took, 0, None).sum(axis=0) / (seconds / WIDTH)


def test_a_service(tmp_path):
    lines, trace = run(tmp_path, "serving-70b-chat.yaml", "--set", "workload.requests=400", "--set", "workload.warm_up=5 s")
    requests = trace["requests"]
    arrival, first, last = (requests[name][:] for name in ("arrival", "first_token", "last_token"))
    seconds = last.max()
    lower, upper = averages(first, last, seconds), averages(arrival, first, seconds)
    most = (lower + upper).max()
    expected = []
    for y in range(6, 0, -1):
        half = (y - 0.5) / 6 * most
        expected.append("".join("#" if a >= half else ":" if a + b >= half else " " for a, b in zip(lower, upper)).rstrip())
    assert lines[0] == "requests        at once: # generate, : wait for their first token"
    assert [line[18:] for line in lines[1:7]] == expected and all(line[17] == "|" for line in lines[1:7])
    assert float(lines[1][:17]) == float(f"{most:.4g}") and all(line[:17].isspace() for line in lines[2:7])
    ttft = np.sort((first - arrival)[arrival >= 5])
    p99 = ttft[math.ceil(0.99 * len(ttft)) - 1]
    step = next(s * 10.0**k for k in range(-6, 6) for s in (1, 2, 5) if s * 10.0**k >= p99 / 9)
    bins = math.ceil(p99 / step)
    counts = np.bincount(np.minimum(ttft // step, bins).astype(int), minlength=bins + 1)
    room = WIDTH - len(str(counts.max())) - 1
    bars = [("#" * math.ceil(count / counts.max() * room) + f" {count}") if count else "" for count in counts]
    assert lines[9] == "TTFT            of how many requests"
    assert [line[18:] for line in lines[10:]] == bars[: bins + (counts[-1] > 0)]
    assert lines[10 + bins].startswith("            more |")


def test_programs_and_quiet_ones_get_no_pictures():
    for word in ("--json", "--quiet"):
        done = subprocess.run([CPSIM, "one-gpu", "--plot", word], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stdout == "" and f"--plot draws beside what people read, and {word} leaves" in done.stderr
