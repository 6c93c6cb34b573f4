#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench_sweep.sh CPSIM SOURCE: points a second of a sweep over a trivial scenario, by processes; a plan of
# a thousand candidates.
set -euo pipefail
cpsim=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
points=1000
cat >"$scratch/sweep.yaml" <<YAML
schema: 1
base: $source/scenarios/one-gpu.yaml
axes: {random: {samples: $points, keys: {workload.turns.0.prompt: {from: 100 tokens, to: 1000 tokens}}}}
YAML
for ((jobs = 1; jobs <= $(nproc); jobs *= 2)); do
    start=$(date +%s%N)
    "$cpsim" sweep "$scratch/sweep.yaml" -o "$scratch/$jobs" -j "$jobs" -q
    seconds=$(awk "BEGIN { print ($(date +%s%N) - $start) / 1e9 }")
    awk "BEGIN { printf \"sweep, %d points, -j %d: %.2f s, %.0f points a second\\n\", $points, $jobs, $seconds, $points / $seconds }"
done
start=$(date +%s%N)
"$cpsim" plan "$source/scenarios/plans/chats-70b.yaml" -o "$scratch/plan" -q
awk "BEGIN { printf \"plan, 1224 candidates, -j %d: %.1f s\\n\", $(nproc), ($(date +%s%N) - $start) / 1e9 }"
