#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --json: one object that a standard parser takes, every key documented in docs/json-output.md and
# every documented key printed, whatever a title holds.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)

for scenario in llama405b follow-up-prompt one-gpu serving-azure-trace serving-mixed serving-speculation serving-lora serving-kv-tiers serving-gpu-failures \
    serving-disaggregated serving-scale-to-zero serving-phases serving-tenants serving-deadlines serving-finetuning serving-70b-chat precision-405b \
    train-failures train-batch-size train-compute-budget train-growing-batch train-four-sites; do
    expect 0 "*" "" "$cpsim" "$source/scenarios/$scenario.yaml" --json -o trace.h5
    cp out "$scenario.json"
done
# A service of one sequence at a time, whose wait has a law.
expect 0 "*" "" "$cpsim" "$source/scenarios/serving-70b-chat.yaml" --set workload.service.max_sequences=1 \
    --set "workload.arrivals.rate=0.1 /s" --set workload.requests=50 --json
cp out one-at-a-time.json
# A guess of another chip is noted, by check too; a GPU with other memory of the same die is not.
guess=(--set "gpu.dense_rate.bf16=2250 TFLOP/s" --set "gpu.dense_rate.fp8=4500 TFLOP/s"
    --set "gpu.dense_rate.int8=4500 TFLOP/s" --set "gpu.memory_rate=8 TB/s" --set "gpu.l2_rate=10 TB/s")
note="/: note: gpu 'h100-sxm': 9314 dense bf16 FLOP of an SM in a clock, and the kernels of its generation 'hopper' were measured at 4096;/"
expect 0 "*" "$note" "$cpsim" "$source/scenarios/one-gpu.yaml" "${guess[@]}" --json
cp out guess.json
expect 0 "*" "$note" "$cpsim" check "$source/scenarios/one-gpu.yaml" "${guess[@]}"
expect 0 "*" "" "$cpsim" check "$source/scenarios/one-gpu.yaml" --set gpu=h200-sxm
expect 0 "" "" "$python" "$source/tests/cli/json_keys.py" "$source/docs/json-output.md" ./*.json

# The comparison sees a key that is missing on either side, and a wrong type.
# shellcheck disable=SC2016 # backquotes of Markdown
sed '/`phases\[\]\.mfu`/d; s/^| `gpus` | number/| `gpus` | string/' "$source/docs/json-output.md" >page.md
# shellcheck disable=SC2016 # backquotes of Markdown
echo '| `phases[].luck` | number | 1 | None. |' >>page.md
expect 1 "page.md: gpus: documented as string, printed as number
page.md: phases[].mfu: printed, but not documented
page.md: phases[].luck: documented, but never printed" "" \
    "$python" "$source/tests/cli/json_keys.py" page.md ./*.json

# Quotes, backslashes and control characters survive; the parts add up.
cat >check.py <<'END'
import json, sys
run = json.load(sys.stdin)
assert run["title"] == 'a "b" \\ c\td \u2014', run["title"]
for phase in run["phases"]:
    parts = sum(phase["seconds_by_class"].values())
    assert parts == sum(phase[name + "_seconds"] for name in ("gemm", "attention", "memory_kernels", "tensor_collectives",
                                                              "context_collectives", "expert_exchanges", "host", "idle"))
    assert abs(parts / phase["seconds"] - 1) < 1e-6, (parts, phase["seconds"])
assert abs(sum(p["seconds"] for p in run["phases"]) / run["figures"]["seconds"] - 1) < 1e-6
END
"$cpsim" "$source/scenarios/one-gpu.yaml" --json --set 'title="a \"b\" \\ c\td —"' >odd.json
expect 0 "" "" bash -c "'$python' check.py <odd.json"
finish
