#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim sweep as users meet it: the same bytes whoever ran which point when, also after kill -9; a
# point that is impossible does not stop the rest; mistakes are told with their place.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
unset SLURM_ARRAY_TASK_ID OMPI_COMM_WORLD_RANK PMI_RANK SLURM_STEP_ID
cd "$scratch"
cp "$source/scenarios/one-gpu.yaml" base.yaml

same() {
    if ! cmp "$1/sweep.h5" "$2/sweep.h5" || ! cmp "$1/sweep.csv" "$2/sweep.csv"; then
        failures=$((failures + 1))
    fi
}

# rows FILE: how many points a CSV has.
rows() { echo $(($(wc -l <"$1") - 1)); }

cat >sweep.yaml <<'YAML'
schema: 1
title: Batches
base: base.yaml
axes:
  grid: {workload.batch: [1, 2, 4, 8]}
  zip: {precision: [bf16, fp8], workload.turns.0.output: [10 tokens, 20 tokens]}
  latin_hypercube:
    samples: 15
    keys: {workload.turns.0.prompt: {from: 100 tokens, to: 1000 tokens, scale: log}}
where: [batch * prompt <= 5000]
best: {minimise: ttft_seconds, count: 1, show: [joules]}
YAML

# 4 batches x 2 precisions x 15 prompts; of the 15 strata of [100, 1000] tokens, two and a part lie
# above 5000 / 8, so the condition drops 8 x 2 x (4 or 5).
expect 0 '*' '/^dropped (6|8|10) of 120 points: not batch \* prompt <= 5000$/' \
    "$cpsim" sweep sweep.yaml -o one -j 1
expect 0 '/points done$/' '*' "$cpsim" sweep sweep.yaml -o two -j 2
same one two
if [ -e one/sweep.h5.part ] || [ "$(rows one/sweep.csv)" -lt 110 ]; then
    echo "one: not whole"
    failures=$((failures + 1))
fi

# --json is the CSV's rows once more; a sweep that ranks by nothing in particular compares points that ask
# the same: here the batch is asked, and the precision chosen.
expect 0 '*' '*' "$cpsim" sweep sweep.yaml -o one --json
python3 - "$scratch/out" one/sweep.csv <<'PY' || failures=$((failures + 1))
import csv, json, sys
points = json.load(open(sys.argv[1]))["points"]
rows = list(csv.DictReader(open(sys.argv[2], newline="")))
assert len(points) == len(rows) > 0, (len(points), len(rows))
for point, row in zip(points, rows):
    assert point["point"] == int(row["point"]) and point["status"] == row["status"], (point, row)
    assert point["parameters"]["workload.batch"] == int(row["workload.batch"]), (point, row)
    assert abs(point["figures"]["ttft_seconds"] - float(row["ttft_seconds"])) < 1e-9, (point, row)
PY
cat >asked.yaml <<'YAML'
schema: 1
title: Asked
base: base.yaml
axes: {grid: {workload.batch: [1, 2], precision: [bf16, fp8]}}
YAML
expect 0 '/^of 4 points, for each workload.batch the one with the smallest ttft_seconds:$/' '' "$cpsim" sweep asked.yaml -o asked
if [ "$(grep -cE '^ +[13] +[12] +fp8 ' "$scratch/out")" != 2 ] || grep -q ' bf16 ' "$scratch/out"; then
    echo "not the faster precision of each batch: $(cat "$scratch/out")"
    failures=$((failures + 1))
fi

# Again: nothing is left to run, and the journal does not grow.
before=$(wc -c <one/points-0-of-1.journal)
expect 0 '*' '*' "$cpsim" sweep sweep.yaml -o one
same one two
[ "$(wc -c <one/points-0-of-1.journal)" = "$before" ]

# Shards in any order, one of them from the environment; too early is an error.
for shard in 3 1 2; do
    expect 0 "shard $shard of 4 is done; when all are: cpsim sweep merge shards" '*' \
        "$cpsim" sweep sweep.yaml -o shards --shard "$shard/4"
done
expect 1 '' '/^shards: error: (2[0-9]|30) of 11[0-9] points are missing, the first is 0; run the shards/' \
    "$cpsim" sweep merge shards
expect 0 '*' '*' env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4 "$cpsim" sweep sweep.yaml -o shards
expect 0 '/points done$/' '' "$cpsim" sweep merge shards
same one shards
expect 2 '' "/SLURM_ARRAY_TASK_ID=7 is not one of the 1 that SLURM_ARRAY_TASK_COUNT counts; say --shard 7\/1/" \
    env SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=9 \
    "$cpsim" sweep sweep.yaml -o shards

# kill -9 at moments spread over the run, a torn record too; then once to the end.
for delay in 0.02 0.05 0.1 0.15 0.2; do
    "$cpsim" sweep sweep.yaml -o killed -j 2 >killed.out 2>&1 &
    process=$!
    sleep "$delay"
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
    journal=killed/points-0-of-1.journal
    if [ -s "$journal" ]; then
        head -c $(($(wc -c <"$journal") - 7)) "$journal" >torn && cp torn "$journal"
    fi
    rm -f killed/sweep.h5 killed/sweep.csv
done
expect 0 '*' '*' "$cpsim" sweep sweep.yaml -o killed
same one killed

# Ctrl-C says how to go on.
printf '%s\n' 'schema: 1' 'base: base.yaml' 'axes: {random: {samples: 20000, keys: {workload.batch: {from: 1, to: 8}}}}' >long.yaml
"$cpsim" sweep long.yaml -o long >long.out 2>long.err &
process=$!
head=0
for _ in $(seq 600); do # however slow the machine: until points follow the journal's head
    now=$(wc -c <long/points-0-of-1.journal 2>/dev/null || echo 0)
    if [ "$head" -gt 0 ] && [ "$now" -gt "$head" ]; then break; fi
    if [ "$head" = 0 ]; then head=$now; fi
    sleep 0.1
done
kill -TERM "$process"
status=0
wait "$process" || status=$?
if [ "$status" != 130 ] || ! grep -q '^cpsim: stopped with [0-9]* of 20000 points; the same command goes on from here$' long.err; then
    echo "SIGTERM: $status, $(cat long.err)"
    failures=$((failures + 1))
fi

# Another sweep is not mixed in.
sed 's/\[1, 2, 4, 8\]/[1, 2, 4]/' sweep.yaml >other.yaml
expect 2 '' '/^one: error: holds the points of another sweep, or of this one before it was changed \(one\/points-0-of-1.journal\)/' \
    "$cpsim" sweep other.yaml -o one -q

# A layout that is impossible is rejected, with the reason, and the rest runs; again on demand.
cat >rejected.yaml <<'YAML'
schema: 1
base: base.yaml
axes: {list: [{layout.tensor: 1}, {layout.tensor: 3}, {layout.tensor: 2}]}
YAML
expect 0 '/^1 rejected; the first is point 1: rejected.yaml:3:[0-9]+: error: layout.tensor: 3 does not divide/' '' \
    "$cpsim" sweep rejected.yaml -o rejected
before=$(wc -c <rejected/points-0-of-1.journal)
expect 0 '*' '' "$cpsim" sweep rejected.yaml -o rejected --retry-failed
[ "$(wc -c <rejected/points-0-of-1.journal)" -gt "$before" ]

# Replications have seeds of their own.
printf '%s\n' 'schema: 1' 'base: base.yaml' 'replications: 3' 'axes: {grid: {workload.batch: [1, 2]}}' >seeds.yaml
expect 0 '*' '' "$cpsim" sweep seeds.yaml -o seeds --set seed=40
if [ "$(cut -d, -f1-4 seeds/sweep.csv | tr '\n' ' ')" != 'point,replication,workload.batch,run_seed 0,0,1,40 1,1,1,41 2,2,1,42 3,0,2,40 4,1,2,41 5,2,2,42 ' ]; then
    cut -d, -f1-4 seeds/sweep.csv
    failures=$((failures + 1))
fi

# Every mistake at once, each at its place.
cat >mistakes.yaml <<'YAML'
schema: 1
base: base.yaml
axes:
  grid:
    layout.tensor: [1, two]
    workload.turns.0.promt: [100 tokens]
  random:
    samples: 3
    keys:
      workload.batch: {from: 8, to: 1}
      workload.cached: {from: 0, to: 10 tokens, scale: log}
YAML
expect 2 '' "mistakes.yaml:6:5: error: a scenario has no key 'workload.turns.0.promt' (did you mean 'workload.turns.0.prompt'?); cpsim describe lists them
mistakes.yaml:10:23: error: workload.batch: 'from' is more than 'to'
mistakes.yaml:11:24: error: workload.cached: a log scale needs a 'from' above 0
3 errors" "$cpsim" sweep mistakes.yaml -o none
printf '%s\n' 'schema: 1' 'base: base.yaml' \
    'axes: {grid: {layout.tensor: [1, two], detail: [folded, foled], precision: [bf16, fp8], workload.turns.0.prompt: [5]}}' \
    'where: [tensor <, tensr == 1, tensor, precision < 3]' >values.yaml
expect 2 '' "values.yaml:3:34: error: layout.tensor: 'two' is not a whole number
values.yaml:3:57: error: detail: 'foled' is not known (did you mean 'folded'?); expected one of: folded, full
values.yaml:3:115: error: workload.turns.0.prompt: '5' needs a unit; expected a number of tokens such as 4000 tokens
values.yaml:4:9: error: 'tensor <': at its end: expected a number, a key, a text or '('
values.yaml:4:19: error: where: 'tensr' is no key of the scenario, or of several axes (did you mean 'tensor'?); write the whole key, such as layout.tensor
values.yaml:4:31: error: 'tensor' is a number; expected a condition such as 'layout.tensor <= 8'
values.yaml:4:39: error: 'precision < 3': '<' does not go with a text and a number
7 errors" "$cpsim" sweep values.yaml -o none
printf '%s\n' 'schema: 1' 'base: base.yaml' 'axes: {zip: {layout.tensor: [1, 2], seed: [1]}}' >zip.yaml
expect 2 '' "zip.yaml:3:43: error: seed: has 1 values and layout.tensor has 2; a zip walks lists of one length
1 error" "$cpsim" sweep zip.yaml -o none
printf '%s\n' 'schema: 1' 'base: base.yaml' 'axes: {grid: {layout.tensor: [1, 2]}}' 'where: [tensor > gpus]' >nothing.yaml
expect 2 '' "nothing.yaml:4:8: error: where: no point is left of 2
1 error" "$cpsim" sweep nothing.yaml -o none
expect 2 '' 'cpsim: error: cpsim sweep needs -o FOLDER for its results' "$cpsim" sweep sweep.yaml
expect 2 '' "cpsim: error: --shard: '4/4' is not K/N with K from 0 to N - 1, such as 0/4" \
    "$cpsim" sweep sweep.yaml -o none --shard 4/4
expect 2 '' "cpsim: error: --jobs: 'x' is not a number from 1 to 4096" "$cpsim" sweep sweep.yaml -o none -j x
if [ -e none ]; then
    echo "a folder was made for a sweep with mistakes"
    failures=$((failures + 1))
fi
finish
