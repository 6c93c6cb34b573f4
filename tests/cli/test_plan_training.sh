#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim plan over a training run equals an exhaustive search: every layout of a small space, run one
# by one by cpsim sweep. Pruning, the number of workers and a restart change nothing; the winner is a
# scenario that takes as long as the plan said.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
cat >base.yaml <<'YAML'
schema: 1
title: Llama 3.2 1B on a node
model: llama3.2-1b
cluster: dgx-h100
software: megatron
layout: {data: 8}
workload: {kind: training, global_batch: 32, sequence: 4096 tokens, tokens: 1e9, price: 2}
memory: {fraction: 0.3}
YAML
cat >plan.yaml <<'YAML'
schema: 1
title: Llama 3.2 1B on 8 H100
base: base.yaml
axes:
  layout.tensor: [1, 2]
  layout.pipeline: [1, 2]
  workload.schedule: [1f1b, interleaved, zero-bubble]
  workload.virtual_stages: [1, 2]
  workload.micro_batch: [1, 4]
  workload.recompute: [none, full]
  workload.sharding: [zero1, fsdp]
  workload.sequence_parallel: [false, true]
  workload.tensor_overlap: [false]
YAML
expect 0 '/^the fastest: a step of /' '' "$cpsim" plan plan.yaml -o one -j 1
cp out one.out
expect 0 '*' '' "$cpsim" plan plan.yaml -o two -j 2
{ cat plan.yaml; echo 'prune: false'; } >whole.yaml
expect 0 '*' '' "$cpsim" plan whole.yaml -o whole
cmp one/plan.csv two/plan.csv || failures=$((failures + 1))
cmp <(tail -n +2 one/winner.yaml) <(tail -n +2 whole/winner.yaml) || failures=$((failures + 1))
"$cpsim" plan plan.yaml -o one --json >pruned.json
"$cpsim" plan whole.yaml -o whole --json >whole.json

# Done already: the same words, and nothing is run.
before=$(wc -c <one/points-0-of-1.journal)
expect 0 "$(cat one.out)" '' "$cpsim" plan plan.yaml -o one
[ "$(wc -c <one/points-0-of-1.journal)" = "$before" ]

# Every layout by itself. What a plan does not turn where it has no effect, a sweep turns in vain.
cat >all.py <<'END'
import itertools
print("schema: 1\nbase: base.yaml\naxes:\n  list:")
for tensor, pipeline, schedule, parts, micro, recompute, sharding, sequence in itertools.product(
        [1, 2], [1, 2], ["1f1b", "interleaved", "zero-bubble"], [1, 2], [1, 4], ["none", "full"],
        ["zero1", "fsdp"], ["false", "true"]):
    same = (pipeline == 1 and (schedule != "1f1b" or parts > 1) or tensor == 1 and sequence == "true"
            or schedule == "interleaved" and parts == 1 or schedule == "1f1b" and parts > 1)
    if not same:
        print(f"    - {{layout.tensor: {tensor}, layout.pipeline: {pipeline}, layout.data: {8 // tensor // pipeline}, "
              f"workload.schedule: {schedule}, workload.virtual_stages: {parts}, workload.micro_batch: {micro}, "
              f"workload.recompute: {recompute}, workload.sharding: {sharding}, workload.sequence_parallel: {sequence}}}")
END
"$python" all.py >sweep.yaml
"$cpsim" sweep sweep.yaml -o all -q 2>err || { cat err; failures=$((failures + 1)); }
cat >same.py <<'END'
import csv, json, sys
keys = ["layout.tensor", "layout.pipeline", "layout.data", "workload.schedule", "workload.virtual_stages",
        "workload.micro_batch", "workload.recompute", "workload.sharding", "workload.sequence_parallel"]
name = lambda row: tuple(row[key] for key in keys)
swept = {name(row): row for row in csv.DictReader(open("all/sweep.csv")) if row["status"] == "done"}
planned = list(csv.DictReader(open("whole/plan.csv")))
assert {name(row) for row in planned} == set(swept), (len(planned), len(swept),
    {name(row) for row in planned} ^ set(swept))
for row in planned:
    there = swept[name(row)]
    for ours, theirs in [("step_closed_form_seconds", "step_closed_form_seconds"),
                         ("peak_memory_bytes_per_gpu", "peak_memory_bytes_per_gpu"), ("mfu", "mfu")]:
        if ours == "mfu" and row["played"] == "0":
            continue
        assert abs(float(row[ours]) / float(there[theirs]) - 1) < 1e-9, (ours, row, there)
least = min(float(row["step_seconds"]) for row in swept.values())
pruned, whole = json.load(open("pruned.json")), json.load(open("whole.json"))
assert abs(pruned["winner"]["step_seconds"] / least - 1) < 1e-9, (pruned["winner"], least)
without = lambda front: [{k: v for k, v in row.items() if k != "row"} for row in front]
for front in ["gpu_front", "memory_front"]:
    assert without(pruned[front]) == without(whole[front]), front
assert whole["layouts"]["passed_over"] == 0 and pruned["layouts"]["priced"] <= whole["layouts"]["priced"]
winner = json.load(open("winner.json"))["figures"]
assert abs(winner["step_seconds"] / pruned["winner"]["step_seconds"] - 1) < 1e-9
assert abs(winner["run_undisturbed_seconds"] / pruned["winner"]["run_undisturbed_seconds"] - 1) < 1e-9
# 2 dollars an hour of each of 8 GPUs
assert abs(pruned["winner"]["run_dollars"] / (16 * winner["run_undisturbed_seconds"] / 3600) - 1) < 1e-9
END
expect 0 '*' '' "$cpsim" one/winner.yaml --json
cp out winner.json
"$python" same.py || failures=$((failures + 1))

# Least memory, least cost, a budget that nothing keeps to, more numbers of GPUs.
{ cat plan.yaml; echo 'minimise: memory'; } >memory.yaml
expect 0 '/^the least memory: /' '' "$cpsim" plan memory.yaml -o memory
{ cat plan.yaml; printf '%s\n' 'minimise: cost' 'gpus: [2, 4, 8]'; } >cost.yaml
expect 0 '/^time against GPUs$/' '' "$cpsim" plan cost.yaml -o cost
{ cat plan.yaml; echo 'budget: {dollars: 1}'; } >poor.yaml
expect 1 '/no layout is possible/' '' "$cpsim" plan poor.yaml -o poor

# Shares of what lies with the host, and steps between exchanges of sites, are axes as well: the winner's step and run
# are those of a run of their own, and hosts have room for it.
cat >host.yaml <<YAML
schema: 1
title: Shares
base: $source/scenarios/train-offload.yaml
axes:
  layout.tensor: [8]
  layout.pipeline: [1]
  workload.micro_batch: [1]
  workload.recompute: [full, core-attention]
  workload.sharding: [none]
  workload.sequence_parallel: [true]
  workload.tensor_overlap: [false]
  workload.offload: [0, 0.5, 1]
  workload.offload.activations: [0, 0.25, 0.75, 1]
YAML
expect 0 '/offload.activations=0.25$/' '' "$cpsim" plan host.yaml -o host
expect 0 '/^step +67\.0 s/' '' "$cpsim" host/winner.yaml
{ cat host.yaml; echo 'played: 0'; } | sed 's|^base: .*|base: narrow.yaml|' >narrow-plan.yaml
sed 's|^cluster: .*|cluster: {use: dgx-h100, host_memory: 900 GB}|' "$source/scenarios/train-offload.yaml" >narrow.yaml
expect 0 '/ 5 priced, /' '' "$cpsim" plan narrow-plan.yaml -o narrow
cat >sites.yaml <<YAML
schema: 1
title: How rarely must sites talk?
base: $source/scenarios/train-four-sites.yaml
axes:
  layout.tensor: [4]
  layout.context: [2]
  layout.pipeline: [4]
  workload.schedule: [interleaved]
  workload.virtual_stages: [5]
  workload.micro_batch: [1]
  workload.recompute: [none]
  workload.sharding: [zero1]
  workload.sequence_parallel: [true]
  workload.tensor_overlap: [true]
  workload.context_exchange: [ring]
  workload.inner_steps: [1, 10, 100]
YAML
expect 0 '/, a run of 9\.917 days$/' '' "$cpsim" plan sites.yaml -o sites
expect 0 '/^ +9\.92 days, /' '' "$cpsim" sites/winner.yaml

# A table with context and expert ranks fits a terminal.
cat >experts.yaml <<YAML
schema: 1
title: Qwen3 235B
base: $source/scenarios/train-qwen3-235b.yaml
axes:
  layout.tensor: [2]
  layout.context: [1, 2]
  layout.expert: [8, 16]
  layout.pipeline: [8]
  workload.schedule: [interleaved]
  workload.virtual_stages: [4]
  workload.micro_batch: [1]
  workload.recompute: [core-attention, full]
  workload.sharding: [zero1]
  workload.sequence_parallel: [true]
  workload.tensor_overlap: [false]
  workload.context_exchange: [ring]
played: 0
YAML
expect 0 '/ CP EP PP /' '' "$cpsim" plan experts.yaml -o experts --width=80
[ "$(wc -L <out)" -le 80 ] && grep -q 'MB schedule    recompute      shard' out || failures=$((failures + 1))

# What cannot be turned, and what follows from something else.
printf '%s\n' 'schema: 1' 'base: base.yaml' 'axes:' '  layout.data: [1]' '  precision: [bf16]' \
    '  layout.tensor: 4' '  workload.recompute: [everything]' >wrong.yaml
expect 2 '' "wrong.yaml:4:3: error: axes.layout.data: replicas follow from \`gpus\` and what else is laid out; leave it out, or list numbers of GPUs
wrong.yaml:5:3: error: axes.precision: expected a count, a choice, a share or a yes-or-no of \`layout\` or of a training \`workload\`, such as workload.reshard_after_forward; what is read from files (precision, software, gpu) needs a plan of its own each, or a sweep
wrong.yaml:6:18: error: axes.layout.tensor: expected a list of 1 to 256 values, such as [1, 2, 4]
wrong.yaml:7:24: error: workload.recompute: 'everything' is not known; expected one of: none, selective, core-attention, operators, cheap, full
4 errors" "$cpsim" plan wrong.yaml -o wrong
finish
