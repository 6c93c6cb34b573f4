# SPDX-License-Identifier: MIT
"""How fast cpsim is: wall time, resident memory and events a second of a few runs.

    bench.py CPSIM [--markdown]     or: cmake --build --preset release --target bench

Every run is a process of its own; wall time is the least of three (one for runs over 2 s), memory
the largest. Not a test: a loaded machine is no fault of the program. The bounds are of
docs/performance.md; exit 1 only when a run fails.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
LLAMA = "scenarios/llama405b.yaml"
PREFILL = [
    LLAMA,
    "--set",
    "workload.turns=[{prompt: 1000000 tokens}]",
    "--set",
    "attention.ring=pass-kv",
]
FULL = ["--set", "detail=full"]
ALL = ["--set", "trace.operators=all"]

# name, arguments, bounds on seconds and MB (None: none)
RUNS = [
    ("main job: a conversation, 128 GPUs", [LLAMA], 1.0, 200.0),
    ("its 1M prefill, folded", PREFILL, None, None),
    ("its 1M prefill, every rank and layer", PREFILL + FULL, 10.0, None),
    ("... and every operator in the trace", PREFILL + FULL + ALL, None, None),
    ("128K prefill on 32 GPUs, folded", ["scenarios/how-many-nodes.yaml"], None, None),
    ("128K prefill on 32 GPUs, full", ["scenarios/how-many-nodes.yaml"] + FULL, None, None),
    ("32 chats on one GPU", ["scenarios/one-gpu.yaml"], None, None),
]
MOST_REPEATS, LONG_SECONDS = 3, 2.0


def run_once(cpsim, arguments, folder):
    """(seconds, resident MB, events) of one process."""
    trace = os.path.join(folder, "run.h5")
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen([cpsim, *arguments, "--json", "-o", trace], stdout=out, cwd=SOURCE)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"bench: cpsim {' '.join(arguments)} failed")
        out.seek(0)
        events = json.load(out)["events"]
    return seconds, usage.ru_maxrss * 1024 / 1e6, events


def measure(cpsim, arguments, folder):
    best, largest = None, 0.0
    for _ in range(MOST_REPEATS):
        seconds, megabytes, events = run_once(cpsim, arguments, folder)
        best = seconds if best is None else min(best, seconds)
        largest = max(largest, megabytes)
        if seconds > LONG_SECONDS:
            break
    return best, largest, events


def main(arguments):
    if not arguments:
        print("usage: bench.py CPSIM [--markdown]", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpsim = str(pathlib.Path(arguments[0]).resolve())
    markdown = "--markdown" in arguments
    if markdown:
        print("| run | wall | resident | events | events/s |\n| --- | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, options, most_seconds, most_megabytes in RUNS:
            seconds, megabytes, events = measure(cpsim, options, folder)
            rate = events / seconds
            if markdown:
                print(f"| {name} | {seconds:.2f} s | {megabytes:.0f} MB | {events:,} | {rate:,.0f} |")
                continue
            over = []
            if most_seconds is not None and seconds > most_seconds:
                over.append(f"over {most_seconds:g} s")
            if most_megabytes is not None and megabytes > most_megabytes:
                over.append(f"over {most_megabytes:g} MB")
            print(
                f"{name:40} {seconds:8.3f} s {megabytes:7.1f} MB {events:10,} events {rate:12,.0f} events/s"
                f"  {', '.join(over)}".rstrip(),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
