# SPDX-License-Identifier: MIT
"""TensorRT-LLM's published throughputs at saturation against the same test played: tests/validation/throughput_tensorrt.csv.

    throughput.py CPSIM TABLE [--verbose]    exit 1 when an error is beyond its bound

Every row is a run of the client trtllm-bench. Under the software file of version 1.2, whose products take what kernels take, the median
is held to the 10 % that were asked for; under 1.0's, whose fp8 products were fitted to another client's services, to what it is.
"""
import csv
import json
import statistics
import subprocess
import sys
import tempfile

BOUNDS = {"tensorrt-llm-1.2": (10, 25, 45), "tensorrt-llm": (17, 27, 45)}  # median, nine of ten, worst, in per cent
LONGEST_STEP = 8192


def scenario(row, software):
    prompt = int(row["prompt"])
    service = "prefix_cache: false" + ("" if prompt <= LONGEST_STEP else f", max_batched_tokens: {prompt + 480} tokens")
    return f"""schema: 1
model: {row['model']}
cluster: {{use: {row['cluster']}, nodes: 1}}
software: {software}
layout: {{tensor: {row['tensor']}}}
memory: {{fraction: 0.95}}
precision: {{preset: fp8-tensor, kv_cache: {{format: fp8, scaling: tensor}}}}
workload:
  kind: serving
  client: trtllm-bench
  arrivals: {{kind: at-once}}
  requests: {row['requests']}
  lengths: {{prompt: {{kind: fixed, tokens: {prompt} tokens}}, output: {{kind: fixed, tokens: {row['output']} tokens}}}}
  service: {{{service}}}
trace: {{file: null}}
"""


def played(cpsim, row, software):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(scenario(row, software))
        file.flush()
        run = subprocess.run([cpsim, "run", file.name, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)["figures"]["output_tokens_per_second"]


def main(cpsim, table, verbose=False):
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    wrong = False
    for software, bounds in BOUNDS.items():
        errors = []
        for row in rows:
            errors.append(100 * (played(cpsim, row, software) / float(row["output_tokens_per_second"]) - 1))
            if verbose:
                print(software, *row.values(), f"{errors[-1]:+.1f} %")
        size = sorted(abs(error) for error in errors)
        found = (statistics.median(size), size[int(0.9 * len(size))], size[-1])
        print(f"{software}: {len(size)} rows, median {found[0]:.1f} %, nine of ten {found[1]:.1f} %, worst {found[2]:.1f} %, "
              f"bias {statistics.median(errors):+.1f} %")
        wrong = wrong or any(is_ > bound for is_, bound in zip(found, bounds))
    return 1 if wrong or len(rows) < 60 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3], verbose="--verbose" in sys.argv))
