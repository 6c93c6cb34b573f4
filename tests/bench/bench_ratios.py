# SPDX-License-Identifier: MIT
"""What users wait for, in CPU time, as ratios to another build.

    bench_ratios.py CPSIM SOURCE [BASELINE BASELINE_SOURCE] [--markdown]

CPU time is user and system of the process and its children, the least of several runs: it depends on
the machine, the ratio hardly. Each build runs the scenarios of its own SOURCE. Not a test: exit 1
only when a run fails. docs/performance.md keeps the table, against the build that it names.
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

CHAT = "scenarios/serving-70b-chat.yaml"
FIXED = "workload.lengths={prompt: {kind: fixed, tokens: 1024 tokens}, output: {kind: fixed, tokens: 128 tokens}}"
LLAMA = "scenarios/llama405b.yaml"


def sets(*overrides):
    return [word for override in overrides for word in ("--set", override)]


def sweep(base, samples, key, least, most):
    text = f"{{schema: 1, base: {{source}}/{base}, axes: {{random: {{samples: {samples}, keys: {{{key}: {{from: {least}, to: {most}}}}}}}}}}}"
    return ["sweep", text, "-j", "1", "-q"]


PLAN = ["plan", f"""
schema: 1
base: {{source}}/{CHAT}
rate: 10 /s
slo: {{ttft_p99: 1 s, tpot_p99: 40 ms}}
requests: 500
confirm_requests: 0
axes:
  grid:
    cluster.nodes: [4]
    layout.tensor: [2, 4, 8]
    layout.data: [1, 2, 4]
    precision: [bf16, fp8-tensor]
    workload.service.max_batched_tokens: [2048 tokens, 8192 tokens]
where: [tensor * data <= gpus]
""", "-j", "1", "-q"]

# name, arguments ({trace}: a file to write; of a sweep or plan its text), runs
ROWS = [
    ("`cpsim --version`", ["--version"], 9),
    ("`cpsim check` of the main job", ["check", LLAMA], 9),
    ("main job: a conversation, 128 GPUs", [LLAMA, "-q", "-o", "{trace}"], 9),
    ("... with `layout.data=128`: 16,384 GPUs", [LLAMA, "-q", "-o", "{trace}", *sets("layout.data=128", "cluster.nodes=2048")], 3),
    ("... with `layout.context=128`", [LLAMA, "-q", "-o", "{trace}", *sets("layout.context=128", "cluster.nodes=128")], 3),
    ("... with `layout.context=512`", [LLAMA, "-q", "-o", "{trace}", *sets("layout.context=512", "cluster.nodes=512")], 1),
    ("10,000 requests, 1024 in, 128 out, one replica", [CHAT, "-q", *sets(FIXED, "workload.requests=10000", "workload.arrivals.rate=10 /s")], 3),
    ("10,000 requests of lengths as people ask", [CHAT, "-q", *sets("workload.requests=10000")], 3),
    ("100,000 requests on 64 replicas", [CHAT, "-q", *sets(FIXED, "cluster.nodes=32", "layout.data=64", "workload.requests=100000", "workload.arrivals.rate=640 /s")], 3),
    ("a training step, 16,384 GPUs", ["scenarios/train-llama3-405b.yaml", "-q", "-o", "{trace}"], 5),
    ("sweep, 200 small conversations", sweep("scenarios/one-gpu.yaml", 200, "workload.turns.0.prompt", "100 tokens", "1000 tokens"), 3),
    ("sweep, 20 services of 2,000 requests", sweep(CHAT, 20, "workload.arrivals.rate", "1 /s", "6 /s"), 3),
    ("plan, 36 candidates, 500 requests each", PLAN, 1),
    ("sweep, 20 training steps", sweep("scenarios/train-llama3-405b.yaml", 20, "workload.global_batch", "128", "256"), 3),
]


def run_once(cpsim, source, arguments, folder):
    """(CPU seconds, resident MB) of one process and its children."""
    words = [word.replace("{trace}", os.path.join(folder, "run.h5")) for word in arguments]
    if words[0] in ("sweep", "plan"):
        path = os.path.join(folder, f"{words[0]}.yaml")
        pathlib.Path(path).write_text(words[1].replace("{source}", source) + "\n", encoding="utf-8")
        words = [words[0], path, "-o", os.path.join(folder, f"points{time.monotonic_ns()}"), *words[2:]]
    process = subprocess.Popen([cpsim, *words], stdout=subprocess.DEVNULL, cwd=source)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {cpsim} {' '.join(words)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def least(cpsim, source, arguments, runs, folder):
    measured = [run_once(cpsim, source, arguments, folder) for _ in range(runs)]
    return min(measured)[0], max(megabytes for _, megabytes in measured)


def main(arguments):
    markdown = "--markdown" in arguments
    paths = [str(pathlib.Path(word).resolve()) for word in arguments if word != "--markdown"]
    if len(paths) not in (2, 4):
        print("usage: bench_ratios.py CPSIM SOURCE [BASELINE BASELINE_SOURCE] [--markdown]", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if markdown:
        print("| run | baseline | now | ratio |\n| --- | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, words, runs in ROWS:
            seconds, megabytes = least(paths[0], paths[1], words, runs, folder)
            now = f"{seconds:.3f} s, {megabytes:.0f} MB"
            then, ratio = "", ""
            if len(paths) == 4:
                before, megabytes = least(paths[2], paths[3], words, runs, folder)
                then, ratio = f"{before:.3f} s, {megabytes:.0f} MB", f"{seconds / before:.2f}"
            if markdown:
                print(f"| {name} | {then} | {now} | {ratio} |", flush=True)
            else:
                print(f"{name:48} {then:>18} {now:>18} {ratio:>6}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
