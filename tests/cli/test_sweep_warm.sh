#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A point is the same bytes in a process of its own as in a worker that has played others before it, and
# shares their prices: each kind of workload, with traces and with points that are rejected between them;
# services with axes drawn at random, those that change what a step costs among them.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"

# alike NAME POINTS: sweep NAME.yaml in one worker, and each of its points alone.
alike() {
    "$cpsim" sweep "$1.yaml" -o "$1.warm" -j 1 -q || true
    for ((i = 0; i < $2; i++)); do
        "$cpsim" sweep "$1.yaml" -o "$1.cold" -j 1 -q --shard "$i/$2" || true
    done
    "$cpsim" sweep merge "$1.cold" -q || true
    for file in sweep.csv sweep.h5; do
        cmp "$1.warm/$file" "$1.cold/$file" || failures=$((failures + 1))
    done
    [ "$(wc -l <"$1.warm/sweep.csv")" = $(($2 + 1)) ] || failures=$((failures + 1))
}

# Folded and rank by rank, on one node and on two, what does not fit between them; others' traffic.
cat >chat.yaml <<YAML
schema: 1
base: $source/scenarios/one-gpu.yaml
axes: {grid: {layout.tensor: [1, 8], layout.context: [1, 2], cluster.nodes: [1, 2], detail: [folded, full]}}
traces: true
YAML
alike chat 16
for i in 0 7 15; do
    trace=traces/$(printf %06d "$i").h5
    if [ -e "chat.cold/$trace" ] && ! cmp "chat.warm/$trace" "chat.cold/$trace"; then
        failures=$((failures + 1))
    fi
done

# Services with faults of their own, whose requests time out, and with moves between replicas.
cat >service.yaml <<YAML
schema: 1
base: $source/scenarios/serving-gpu-failures.yaml
axes: {grid: {workload.requests: [40, 200], seed: [1, 2]}}
YAML
cat >pools.yaml <<YAML
schema: 1
base: $source/scenarios/serving-disaggregated.yaml
axes: {grid: {workload.requests: [30, 60], workload.arrivals.rate: [1 /s, 20 /s]}}
YAML
cat >train.yaml <<YAML
schema: 1
base: $source/scenarios/train-two-gpus.yaml
axes: {grid: {workload.global_batch: [8, 16, 7], detail: [folded, full]}}
YAML

# Prices are shared by points that differ in who comes, and by no others.
python=$("$source/tools/find-python.sh" json)
cat >draw.py <<'END'
import random, sys
space, source = int(sys.argv[1]), sys.argv[2]
draw = random.Random(space)
few = {"workload.requests": ["24"], "workload.warm_up": ["0 s"]}
who = {"layout.data": ["1", "2"], "workload.service.max_sequences": ["4", "16", "64"], "seed": ["1", "2"],
       "workload.service.max_batched_tokens": ["512 tokens", "4096 tokens"], "workload.requests": ["12", "24"]}
bases = [
    ("serving-speculation", {"workload.service.speculation.tokens": ["0", "1", "3", "5"],
                             "workload.service.policy": ["vllm", "chunked-prefill"]}),
    ("serving-token-weave", {"workload.service.token_weave": ["false", "true"]}),
    ("serving-deepseek-v3", {"workload.service.two_batch_overlap": ["false", "true"]}),
    ("serving-70b-chat", {"precision": ["bf16", "fp8-tensor"], "layout.tensor": ["4", "8"],
                          "layout.context": ["1", "2"], "software": ["vllm", "vllm-0.11"],
                          "workload.service.policy": ["vllm", "prefill-first", "no-evict"],
                          "cluster.gpu.power_limit": ["500 W", "700 W"]}),
]
base, costs = bases[space % len(bases)]
key = draw.choice(list(costs))
axes = dict(few)
for chosen, values in [(key, costs[key]), draw.choice(list(who.items()))]:
    axes[chosen] = draw.sample(values, 2)
print(f"schema: 1\nbase: {source}/scenarios/{base}.yaml\naxes:\n  grid:")
for name, values in axes.items():
    print(f"    {name}: [{', '.join(values)}]")
END
for ((space = 0; space < 12; space++)); do
    "$python" draw.py $space "$source" >random$space.yaml
    alike random$space 4
done
alike service 4
alike pools 4
alike train 6
finish
