#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim trace blame names who holds a step up from its trace alone: a GPU of any stage, also one that hangs; a
# network card; nobody. It is not told what the scenario had.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
# shellcheck disable=SC2317 # expect calls it
blame() {
    local keys=()
    for key in "$@"; do keys+=(--set "$key"); done
    "$cpsim" run "$source/scenarios/train-gpt3-175b.yaml" -o t.h5 "${keys[@]}" >/dev/null
    "$cpsim" trace blame t.h5
}
expect 0 '/^blame +nobody: /' '' blame
for stage in 0 3 7; do
    expect 0 "/^blame +a GPU of stage $stage: its passes take 1\.[23][0-9] times the median/" '' \
        blame workload.slow_gpu.stage=$stage workload.slow_gpu.slowdown=1.3
done
expect 0 '/^blame +a GPU of stage 5: its passes take (999|1[0-9]{3})\.[0-9]+ times/' '' \
    blame workload.slow_gpu.stage=5 workload.slow_gpu.slowdown=1000
expect 0 '/^blame +a network card of stage 0: /' '' blame workload.degraded_link=0.02
expect 2 '' '/workload.slow_gpu.stage: 8; expected one of the stages 0 to 7/' \
    "$cpsim" check "$source/scenarios/train-gpt3-175b.yaml" --set workload.slow_gpu.stage=8
# Two stages have no median: each is held against its own operators. The second has the head besides, and is no slower for it.
cat >two.yaml <<'END'
schema: 1
model: llama3-8b
cluster: {use: dgx-h100, nodes: 4}
software: megatron
layout: {pipeline: 2, data: 16}
workload: {kind: training, global_batch: 128, sequence: 2048 tokens, schedule: 1f1b}
END
# shellcheck disable=SC2317
blame_two() {
    local keys=()
    for key in "$@"; do keys+=(--set "$key"); done
    "$cpsim" run two.yaml -o t.h5 "${keys[@]}" >/dev/null
    "$cpsim" trace blame t.h5
}
expect 0 '/^blame +nobody: no stage.s passes take 1.15 times the other/' '' blame_two
for stage in 0 1; do
    expect 0 "/^blame +a GPU of stage $stage: its passes take 1\.(2[5-9]|3[0-5]) times the other stage/" '' \
        blame_two workload.slow_gpu.stage=$stage workload.slow_gpu.slowdown=1.3
done
expect 0 '/^blame +a network card of stage 0: /' '' blame_two workload.degraded_link=0.02
"$cpsim" run "$source/scenarios/one-gpu.yaml" -o c.h5 >/dev/null
expect 2 '' '/c\.h5: error: has no passes of stages: blame reads the trace of a training run/' \
    "$cpsim" trace blame c.h5
finish
