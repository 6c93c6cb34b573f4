#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim plan over a conversation equals an exhaustive search: every candidate swept by itself, the fewest
# nodes that keep the targets picked by hand from its table. The winner does what was promised, and is
# what two searches that stop and go on find.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
cp "$source/scenarios/how-many-nodes.yaml" base.yaml
cat >axes.yaml <<'YAML'
axes:
  grid:
    layout.tensor: [4, 8, 16]
    layout.context: [1, 2, 4, 8, 16]
where: [tensor * context <= gpus]
YAML
{ printf '%s\n' 'schema: 1' 'title: A prompt' 'base: base.yaml' 'slo: {ttft: 12 s, tpot: 95 ms}'; cat axes.yaml; } >plan.yaml
{ printf '%s\n' 'schema: 1' 'base: base.yaml'; cat axes.yaml; } >sweep.yaml

expect 0 '/^the fewest nodes: [0-9]+, tensor=[0-9]+ context=[0-9]+ on [0-9]+ GPUs: TTFT [0-9.]+ s, TPOT [0-9.]+ ms$/' '' \
    "$cpsim" plan plan.yaml -o one -j 1
cp out one.out
expect 0 "$(sed s,one/,two/,g one.out)" '' "$cpsim" plan plan.yaml -o two -j 2
cmp one/plan.csv two/plan.csv || failures=$((failures + 1))
expect 0 "$(cat one.out)" '' "$cpsim" plan plan.yaml -o one # done already
"$cpsim" plan plan.yaml -o one --json >plan.json
"$cpsim" sweep sweep.yaml -o all -q 2>err || [ $? -eq 1 ] || { cat err; failures=$((failures + 1)); }
cat >same.py <<'PY'
import csv, json, math
plan = json.load(open("plan.json"))
points = [row for row in csv.DictReader(open("all/sweep.csv")) if row["status"] == "done"]
good = []
for row in points:  # one turn; eight GPUs a node
    gpus = int(row["layout.tensor"]) * int(row["layout.context"])
    if float(row["ttft_seconds"]) <= 12 and float(row["tpot_seconds"]) <= 0.095:
        good.append((math.ceil(gpus / 8), gpus, float(row["ttft_seconds"]), row["layout.tensor"], row["layout.context"]))
assert 1 < len(good) < len(points), (len(good), len(points))
nodes, gpus, ttft, tensor, context = min(good)
winner = plan["winner"]
assert (winner["nodes"], winner["gpus"], winner["ttft_seconds"]) == (nodes, gpus, ttft), (winner, min(good))
assert winner["parameters"] == {"layout.tensor": int(tensor), "layout.context": int(context)}, winner
assert sum(c.get("keeps", False) for c in plan["candidates"]) == len(good)
assert sum(c["state"] == "done" for c in plan["candidates"]) == len(points)
front = [plan["candidates"][index] for index in plan["node_front"]]
assert front[0]["nodes"] == nodes and all(a["nodes"] < b["nodes"] and a["ttft_seconds"] > b["ttft_seconds"] for a, b in zip(front, front[1:]))
assert len(front) > 1
PY
expect 0 '' '' "$python" same.py
expect 0 "/^prefill turn 1 .* TTFT +$(sed -nE 's/^the fewest nodes: .*TTFT ([0-9.]+) s, .*/\1/p' one.out) s /" '' "$cpsim" one/winner.yaml

# It keeps them too with an answer ten times as long and nine more turns like it.
{
    printf '%s\n' 'schema: 1' 'use: one/winner.yaml' 'workload:' '  kind: conversation' '  turns:' \
        '    - {prompt: 131072 tokens, output: 640 tokens}'
    for _ in 2 3 4 5 6 7 8 9 10; do echo '    - {prompt: 1310 tokens, output: 640 tokens}'; done
} >longer.yaml
cat >keeps.py <<'PY'
import json
figures = json.load(open("longer.json"))["figures"]
ttft = [value for key, value in figures.items() if key.endswith("ttft_seconds")]
tpot = [value for key, value in figures.items() if key.endswith("tpot_seconds")]
assert len(ttft) == len(tpot) == 10, figures
assert max(ttft) <= 12 and max(tpot) <= 0.095, (ttft, tpot)
PY
"$cpsim" longer.yaml --json >longer.json
expect 0 '' '' "$python" keeps.py

# Nobody keeps to it: said, and no winner.
sed 's/ttft: 12 s/ttft: 1 s/' plan.yaml >fast.yaml
expect 1 '/^no candidate keeps the targets; add nodes, context ranks, or allow more time$/' '' "$cpsim" plan fast.yaml -o fast
[ ! -e fast/winner.yaml ] || failures=$((failures + 1))
expect 0 'plan.yaml: ok, a plan of 14 candidates' '' "$cpsim" check plan.yaml
sed 's/ttft: 12 s/ttft_p99: 12 s/' plan.yaml >wrong.yaml
expect 2 '' "/^wrong.yaml:4:7: error: unknown key 'ttft_p99' in slo; expected ttft or tpot$/" "$cpsim" plan wrong.yaml -o wrong
finish
