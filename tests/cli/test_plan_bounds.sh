#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a plan gives up early could not have won: over random small spaces (drawn with a fixed seed),
# `prune: true` calls the same candidates good, with the same figures at the rate, and the same one
# the winner, as `prune: false`, which simulates every candidate to its capacity.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
cp "$source/tests/model/serving_small.yaml" base.yaml
cat >draw.py <<'END'
import random, sys
space = int(sys.argv[1])
draw = random.Random(space)
def some(values, count):
    return sorted(draw.sample(values, count), key=values.index)
policies = ["{policy: chunked-prefill}", "{policy: prefill-first}", "{policy: static, max_sequences: 16}",
            "{policy: chunked-prefill, max_sequences: 8, max_batched_tokens: 512 tokens}",
            "{policy: disaggregated, prefill_replicas: 1}"]
prompt, output = [128, 2048, 8192][space % 3], draw.choice([2, 32, 128])
ttft = [30, 150, 1500][space // 3 % 3] # every prompt with every TTFT
chosen = some(policies, 2)
if prompt == 128:
    chosen, output = [chosen[0], "{policy: chunked-prefill, max_sequences: 2}"], [32, 128][space // 3 % 2]
print(f"""schema: 1
base: base.yaml
rate: {draw.choice([2, 8, 20, 50, 100])} /s
slo: {{ttft_p99: {ttft} ms, tpot_p99: {draw.choice([4, 8, 12, 20, 50])} ms}}
requests: 100
confirm_requests: 0
tolerance: 1
axes:
  grid:
    layout.tensor: {some([1, 2, 4, 8], 2)}
    layout.data: {some([1, 2, 4], 2)}
    precision: [{", ".join(some(["bf16", "fp8", "w4a16"], 2))}]
    workload.service: [{", ".join(chosen)}]
    workload.lengths.prompt: ["{{kind: lognormal, mean: {prompt}, variation: 1}}"]
    workload.lengths.output: ["{{kind: lognormal, mean: {output}, variation: 0.5}}"]
where: [tensor * data <= gpus]""".replace('"{', "{").replace('}"', "}"))
END
cat >compare.py <<'END'
import csv, collections, sys
rules = collections.Counter()
good = 0
for space in range(int(sys.argv[1])):
    pruned, whole = (list(csv.DictReader(open(f"{kind}{space}/plan.csv"))) for kind in ("pruned", "whole"))
    for a, b in zip(pruned, whole, strict=True):
        rules[a["rule"]] += 1
        good += b["state"] == "good"
        assert (a["state"] == "good") == (b["state"] == "good"), (space, a, b)
        for figure in ("ttft_p99_seconds", "tpot_p99_seconds"):
            assert b["state"] != "good" or a[figure] == b[figure], (space, a, b)
print(dict(rules), "good", good)
for rule in ("tpot-bound", "ttft-bound", "unloaded", "compute-bound", "bandwidth-bound", "rate", "none"):
    assert rules[rule] > 0, rule  # or the spaces try nothing
END
spaces=12
for ((space = 0; space < spaces; space++)); do
    "$python" draw.py $space >pruned$space.yaml
    { cat pruned$space.yaml; echo 'prune: false'; } >whole$space.yaml
    for kind in pruned whole; do
        status=0
        "$cpsim" plan $kind$space.yaml -o $kind$space -q || status=$?
        if [ $status -gt 1 ]; then
            echo "$kind$space: exit status $status"
            exit 1
        fi
    done
    for kind in pruned whole; do
        if [ -e $kind$space/winner.yaml ]; then
            grep -vE '^(#|title)' $kind$space/winner.yaml >$kind$space.winner
        else
            echo none >$kind$space.winner
        fi
    done
    cmp pruned$space.winner whole$space.winner || failures=$((failures + 1))
done
expect 0 '*' '' "$python" compare.py $spaces
cat out
finish
