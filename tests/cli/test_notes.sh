#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a run stands on: what lies outside what was measured is said to people and in JSON, files that
# it will read are looked for by `check`, a run too short for its 99th percentile says so.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
cp "$source"/scenarios/{one-gpu,serving-70b-chat}.yaml .

# noted SCENARIO PATTERN [--set ...]: on stderr, and in "notes" of the JSON.
noted() {
    expect 0 '*' "/note: $2/" "$cpsim" check "$1" "${@:3}"
    expect 0 "/^    \"$2/" '*' "$cpsim" run "$1" "${@:3}" --json
}
expect 0 'one-gpu.yaml: ok' '' "$cpsim" check one-gpu.yaml
noted one-gpu.yaml "gpu 'a100-sxm' has no dense rate of fp8: products that are asked for in it are computed in bf16; less memory is read, no product is faster" \
    --set gpu=a100-sxm --set precision=fp8
noted one-gpu.yaml "1000 sequences that decode together: the kernels of gpu 'h100-sxm' were measured with at most 256; beyond it their times are extrapolated" \
    --set workload.batch=1000 --set 'workload.turns.0.prompt=100 tokens' --set gpu.memory=900GB
noted one-gpu.yaml "200200 keys of a rank's attention: the kernels of gpu 'h100-sxm' were measured with at most 131072; beyond it their times are extrapolated" \
    --set workload.batch=1 --set 'workload.turns.0.prompt=200000 tokens' --set 'model.context=1000000 tokens'
# Beyond the model's positions people get a warning, programs a note.
expect 0 '/"the conversation has 2200 tokens in the end, and the model was made for 1000 \(model.context\)"/' \
    '/warning: workload.turns: after turn 1 the conversation has 2200 tokens/' \
    "$cpsim" run one-gpu.yaml --set 'model.context=1000 tokens' --json
expect 0 '*' '/note: gpu .*: 819[23] dense bf16 FLOP of an SM in a clock, and the kernels of its generation .hopper. were measured at 4096/' \
    "$cpsim" check one-gpu.yaml --set 'gpu.dense_rate={bf16: 1979 TFLOP/s, fp8: 3958 TFLOP/s}'

# Laws beyond the runs that they were fitted on: of loss, and of precision.
cp "$source"/scenarios/train-two-gpus.yaml .
law="loss_law 'hoffmann' was fitted on runs of 70 M to 16 B parameters and 5 B to 500 B tokens; this one has [0-9.]+ [MB] and 2 T: its losses are extrapolated"
far=(--set workload.loss_law=hoffmann --set workload.tokens=2e12)
expect 0 "/^extrapolated +$law/" '' "$cpsim" run train-two-gpus.yaml "${far[@]}"
expect 0 "/^    \"$law/" '' "$cpsim" run train-two-gpus.yaml "${far[@]}" --json
"$cpsim" run train-two-gpus.yaml "${far[@]}" --set workload.tokens=2e10 >near
grep -q extrapolated near && failures=$((failures + 1))
expect 0 '/"the law of precision \(arXiv 2411.04330\) was fitted on 30 M to 1.7 B parameters, 1.5 B to 26 B tokens and 3 to 16 bits; beyond them its losses are extrapolated"/' '' \
    "$cpsim" run one-gpu.yaml --set 'quality.tokens=1e12 tokens' --json
# Shapes of a service, of what it was seen to do.
long="[0-9]+ keys of a rank's attention: the kernels of gpu 'h100-sxm' were measured with at most 1000; beyond it their times are extrapolated"
expect 0 "/^extrapolated +$long/" '' "$cpsim" run serving-70b-chat.yaml --set gpu.fitted.attention_keys.most=1000 --set workload.requests=200
expect 0 "/^    \"$long/" '' "$cpsim" run serving-70b-chat.yaml --set gpu.fitted.attention_keys.most=1000 --set workload.requests=200 --json
expect 0 "/^extrapolated +[0-9]+ sequences that decode together: the kernels of gpu 'h100-sxm' were measured with at most 4;/" '' \
    "$cpsim" run serving-70b-chat.yaml --set gpu.fitted.decode_sequences.most=4 --set workload.requests=200

# Files that a run will read.
expect 2 '' "--set workload.arrivals={kind: trace, format: csv, file: nope.csv}: error: workload.arrivals.file: 'nope.csv' cannot be opened: No such file or directory
1 error" "$cpsim" check serving-70b-chat.yaml --set 'workload.arrivals={kind: trace, format: csv, file: nope.csv}'
expect 2 '' "--set workload.lengths.prompt={kind: empirical, file: nope.csv}: error: workload.lengths.prompt.file: 'nope.csv' cannot be opened: No such file or directory
1 error" "$cpsim" check serving-70b-chat.yaml --set 'workload.lengths.prompt={kind: empirical, file: nope.csv}'
expect 2 '' "--set platform.xml=nope.xml: error: platform.xml: 'nope.xml' cannot be read
1 error" "$cpsim" check one-gpu.yaml --set platform.xml=nope.xml
expect 2 '' 'nope.csv: error: cannot be opened: No such file or directory
1 error' "$cpsim" check "$source/scenarios/decode-deepseek-v3.yaml" --set 'routing={kind: measured, file: nope.csv}'
printf 'schema: 1\nbase: nope.yaml\naxes: {grid: {layout.tensor: [1]}}\n' >sweep.yaml
expect 2 '' 'nope.yaml: error: cannot be opened: No such file or directory
1 error' "$cpsim" check sweep.yaml

# Too short for p99: in the summary and in JSON, whose intervals are null; long enough: neither.
short=(--set workload.requests=150)
expect 0 '/^95 % intervals +p99 of TTFT: not known, of [0-9]+ values; it takes 1,000$/' '' "$cpsim" run serving-70b-chat.yaml "${short[@]}"
expect 0 '/^    "the run is too short for p99: its 95 % interval is not known, of [0-9]+ requests; it takes 1,000"$/' '' "$cpsim" run serving-70b-chat.yaml "${short[@]}" --json
expect 0 '/^    "tpot_p99_low_seconds": null,$/' '' "$cpsim" run serving-70b-chat.yaml "${short[@]}" --json
"$cpsim" run serving-70b-chat.yaml --json >long.json
grep -q too.short long.json && failures=$((failures + 1))
for latency in ttft tpot itl e2e queue; do # every percentile has its interval
    for percentile in p50 p90 p95 p99; do
        grep -qE "\"${latency}_${percentile}_low_seconds\": [0-9]" long.json || failures=$((failures + 1))
    done
done
for latency in TTFT TPOT ITL E2E queue; do # and prints it
    expect 0 "/^$latency( +[0-9.]+( [mu]?s)?-[0-9.]+ [mu]?s){4}$/" '' "$cpsim" run serving-70b-chat.yaml
done

finish
