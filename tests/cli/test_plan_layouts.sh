#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Random small spaces of layouts, drawn by a seed: cpsim plan equals every layout run by itself, with
# and without pruning. They mix what the search shares between layouts: orders of passes, the room of
# the host, passes in pairs, experts and context ranks.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
cat >draw.py <<'END'
import itertools, random, sys

MODELS = [  # model, GPUs, batch, sequence, keys of the scenario
    ("llama3.2-1b", 8, 32, 4096, ""),
    ("llama3.2-1b", 8, 16, 16384, "cluster: {use: dgx-h100, nodes: 2, host_memory: 40 GB}\n"),
    ("{use: qwen3-30b-a3b, layers: 8}", 16, 64, 4096, ""),
    ("llama3.1-8b", 16, 32, 8192, ""),
]
CHOICES = {
    "layout.tensor": [1, 2], "layout.context": [1, 2], "layout.expert": [1, 4], "layout.pipeline": [1, 2, 4],
    "workload.schedule": ["1f1b", "interleaved", "zero-bubble", "zbv", "dualpipev"],
    "workload.virtual_stages": [1, 2], "workload.micro_batch": [1, 2], "workload.recompute": ["none", "selective", "full"],
    "workload.sharding": ["none", "zero1", "fsdp"], "workload.sequence_parallel": ["false", "true"],
    "workload.tensor_overlap": ["false", "true"], "workload.context_exchange": ["all-gather", "ring"],
    "workload.overlap_experts": ["false", "true"], "workload.offload.activations": [0, 0.5],
    "workload.offload.states": [0, 0.5], "workload.stage_lead": [1, 2],
}
WIDE = ["layout.tensor", "layout.pipeline", "workload.schedule", "workload.micro_batch"]


def space(seed):
    draw = random.Random(seed)
    number = seed % len(MODELS)
    experts = number == 2
    axes = {}
    for key, values in CHOICES.items():
        if (key in ("layout.expert", "workload.overlap_experts")) and not experts:
            values = values[:1]
        few = [draw.choice(values)]
        axes[key] = sorted(draw.sample(values, 2), key=values.index) if key in WIDE and len(values) > 1 else few
    more = draw.sample([key for key, values in CHOICES.items() if len(axes[key]) == 1 and len(values) > 1
                        and (experts or key not in ("layout.expert", "workload.overlap_experts"))], 2)
    for key in more:
        axes[key] = CHOICES[key][:2]
    if experts:
        axes["layout.expert"], axes["workload.overlap_experts"] = [4], ["false", "true"]
    return number, axes


def layout(point, gpus):
    """A point as a plan says it: what has no effect has its idle value. None: GPUs do not divide."""
    replica = point["layout.tensor"] * point["layout.context"] * point["layout.pipeline"]
    if gpus % replica:
        return None
    point = dict(point)
    point["layout.data"] = gpus // replica
    if point["layout.pipeline"] == 1:
        point["workload.schedule"], point["workload.virtual_stages"] = "1f1b", 1
    parts = point["layout.pipeline"] > 1 and point["workload.schedule"] in ("interleaved", "zero-bubble", "zbv", "dualpipev")
    if not parts:
        point["workload.stage_lead"] = 2
        point["workload.virtual_stages"] = 1
    if point["workload.schedule"] == "interleaved" and point["workload.virtual_stages"] == 1:
        return None  # 1f1b's
    if point["layout.tensor"] == 1:
        point["workload.sequence_parallel"] = point["workload.tensor_overlap"] = "false"
    if point["layout.context"] == 1:
        point["workload.context_exchange"] = "all-gather"
    if point["layout.data"] * point["layout.context"] == 1:
        point["workload.sharding"] = "none"
    return point


def main():
    seed = int(sys.argv[1])
    number, axes = space(seed)
    model, gpus, batch, sequence, more = MODELS[number]
    cluster = "" if "cluster" in more else "cluster: {use: dgx-h100, nodes: 2}\n"
    with open("base.yaml", "w") as file:
        file.write(f"schema: 1\ntitle: space {seed}\nmodel: {model}\n{cluster}{more}software: megatron\n"
                   f"layout: {{data: {gpus}}}\nworkload: {{kind: training, global_batch: {batch}, "
                   f"sequence: {sequence} tokens}}\nmemory: {{fraction: {random.Random(seed).choice([0.3, 0.6, 0.9])}}}\n")
    text = f"schema: 1\ntitle: space {seed}\nbase: base.yaml\nplayed: 4\naxes:\n" + "".join(
        f"  {key}: [{', '.join(map(str, values))}]\n" for key, values in axes.items())
    open("plan.yaml", "w").write(text)
    open("whole.yaml", "w").write(text + "prune: false\n")
    points = [layout(dict(zip(axes, values)), gpus) for values in itertools.product(*axes.values())]
    unique = {tuple(point.items()): point for point in points if point}
    with open("sweep.yaml", "w") as file:
        file.write("schema: 1\nbase: base.yaml\naxes:\n  list:\n")
        for point in unique.values():
            file.write("    - {" + ", ".join(f"{key}: {value}" for key, value in point.items()) + "}\n")


if __name__ == "__main__":
    main()
END
cat >same.py <<'END'
import csv, json, sys
sys.path.insert(0, ".")
planned = list(csv.DictReader(open("whole/plan.csv")))
rows = [row for row in csv.DictReader(open("all/sweep.csv")) if row["status"] == "done"]
keys = [key for key in (planned or rows or [{}])[0] if key.startswith(("layout.", "workload."))]
def plain(value):
    try:
        return float(value)
    except ValueError:
        return value
name = lambda row: tuple(plain(row[key]) for key in keys)
swept = {name(row): row for row in rows}
assert {name(row) for row in planned} == set(swept), ({name(row) for row in planned} ^ set(swept))
for row in planned:
    there = swept[name(row)]
    for key in ["step_closed_form_seconds", "peak_memory_bytes_per_gpu"]:
        assert abs(float(row[key]) / float(there[key]) - 1) < 1e-9, (key, row, there)
pruned, whole = json.load(open("pruned.json")), json.load(open("whole.json"))
without = lambda row: {key: value for key, value in row.items() if key != "row"}
if swept:
    for front in ["gpu_front", "memory_front"]:
        assert [without(row) for row in pruned[front]] == [without(row) for row in whole[front]], front
    assert without(pruned["winner"]) == without(whole["winner"])
    least = min(float(row["step_seconds"]) for row in swept.values())
    assert abs(whole["winner"]["step_seconds"] / least - 1) < 1e-9, (whole["winner"], least)
assert swept, "no layout of this space is possible"
print(len(swept), "of", sum(1 for _ in open("all/sweep.csv")) - 1, "layouts")
END
for seed in ${CPSIM_SPACES:-1 5 8 14}; do
    rm -rf pruned whole all
    "$python" draw.py "$seed"
    for kind in pruned whole; do
        plan=plan.yaml
        [ $kind = pruned ] || plan=whole.yaml
        "$cpsim" plan $plan -o $kind --json >$kind.json 2>err || [ $? = 1 ] || { cat err; failures=$((failures + 1)); }
    done
    "$cpsim" sweep sweep.yaml -o all -q 2>err || [ $? = 1 ] || { cat err; failures=$((failures + 1)); }
    "$python" same.py || { echo "space $seed"; failures=$((failures + 1)); }
done
finish
