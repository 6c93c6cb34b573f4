# SPDX-License-Identifier: MIT
"""How fast cpsim plays services: requests and steps a second of wall time, resident memory.

    bench_serving.py CPSIM [MOONCAKE_TRACE.jsonl | --check]

Prints, asserts nothing; --check plays nothing and asks only whether each run would be taken. Without a trace of Mooncake's, one of the same size is made up.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHAT = str(SOURCE / "scenarios" / "serving-70b-chat.yaml")
FIXED = "workload.lengths={prompt: {kind: fixed, tokens: 1024 tokens}, output: {kind: fixed, tokens: 128 tokens}}"
MOST_REPEATS, LONG_SECONDS = 3, 2.0


def sets(*overrides):
    return [word for override in overrides for word in ("--set", override)]


def made_up_trace(path):
    """4,000 requests of 12,000 tokens on average in 512-token blocks; a third goes on from an earlier one."""
    numbers, chains, blocks, milliseconds = random.Random(1), [], 0, 0.0
    with open(path, "w", encoding="utf-8") as stream:
        for _ in range(4000):
            milliseconds += numbers.expovariate(1 / 250)
            chain = list(numbers.choice(chains)) if chains and numbers.random() < 0.35 else []
            new = max(1, int(numbers.lognormvariate(2.4, 1.0)))
            chain = (chain + list(range(blocks, blocks + new)))[:240]
            blocks += new
            chains = (chains + [chain])[-500:]
            row = {
                "timestamp": round(milliseconds),
                "input_length": len(chain) * 512 - numbers.randrange(512),
                "output_length": max(1, int(numbers.lognormvariate(4.5, 1.0))),
                "hash_ids": chain,
            }
            stream.write(json.dumps(row) + "\n")


def run_once(cpsim, arguments):
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen([cpsim, *arguments, "--json"], stdout=out, cwd=SOURCE)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"bench: cpsim {' '.join(arguments)} failed")
        out.seek(0)
        return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, json.load(out)["figures"]


def main(arguments):
    if not arguments:
        print("usage: bench_serving.py CPSIM [TRACE.jsonl | --check]", file=sys.stderr)
        return 2
    only_check = "--check" in arguments
    arguments = [word for word in arguments if word != "--check"]
    cpsim = str(pathlib.Path(arguments[0]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        trace = str(pathlib.Path(arguments[1]).resolve()) if len(arguments) > 1 else os.path.join(folder, "trace.jsonl")
        if len(arguments) < 2:
            made_up_trace(trace)
        runs = [
            ("10,000 requests, one replica", sets(FIXED, "workload.requests=10000", "workload.arrivals.rate=10 /s")),
            (
                "a Mooncake trace on TP8 x CP2, TensorRT-LLM's scheduler",
                sets(
                    "cluster.nodes=2",
                    "layout={tensor: 8, context: 2}",
                    "software=tensorrt-llm",
                    f"workload.arrivals={{kind: trace, format: mooncake, file: {trace}}}",
                ),
            ),
            (
                "1,000,000 requests, 64 replicas",
                sets(
                    FIXED,
                    "cluster.nodes=32",
                    "layout.data=64",
                    "workload.requests=1000000",
                    "workload.arrivals.rate=640 /s",
                ),
            ),
            (
                "10,000,000 requests, 64 replicas",
                sets(
                    FIXED,
                    "cluster.nodes=32",
                    "layout.data=64",
                    "workload.requests=10000000",
                    "workload.arrivals.rate=640 /s",
                ),
            ),
            (
                "20,000 requests, 8,192 replicas",
                sets(
                    FIXED,
                    "cluster.nodes=4096",
                    "layout.data=8192",
                    "workload.requests=20000",
                    "workload.arrivals.rate=80000 /s",
                ),
            ),
        ]
        if only_check:
            return max(subprocess.run([cpsim, "check", CHAT, *options], cwd=SOURCE).returncode for _, options in runs)
        for name, options in runs:
            best = None
            for _ in range(MOST_REPEATS):
                measured = run_once(cpsim, [CHAT, *options])
                best = measured if best is None or measured[0] < best[0] else best
                if measured[0] > LONG_SECONDS:
                    break
            seconds, busy, megabytes, service = best
            print(
                f"{name:32} {seconds:7.2f} s wall {busy:6.2f} s CPU {megabytes:6.0f} MB"
                f" {service['requests'] / seconds:10,.0f} requests/s {service['steps'] / seconds:12,.0f} steps/s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
