#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The models of models/llm: as many parameters as are published, in the format their weights are published in, and
# each runs on enough GPUs.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)

expect 0 "/^[0-9]+ models, [0-9]+ counts, /" "" "$python" "$source/tests/validation/models.py" "$cpsim" \
    "$source/tests/validation/models.csv"

cat >one.yaml <<'END'
schema: 1
title: One request
model: llama3-8b
cluster: {use: hgx-h200, nodes: 2, gpus_per_node: 8}
software: vllm
layout: {tensor: 1}
workload: {kind: conversation, turns: [{prompt: 2000 tokens, output: 2 tokens}]}
END
run() { # run MODEL: on the fewest GPUs that hold it
    local tensor
    for tensor in 1 2 4 8 16; do
        if "$cpsim" one.yaml --set model="$1" --set layout.tensor="$tensor" >out 2>err; then
            grep -q '^decode' out && return
        fi
    done
    return 1
}
for file in "$source"/models/llm/*.yaml; do
    model=$(basename "$file" .yaml)
    if ! grep -q '^source: ' "$file"; then
        echo "$file: no source"
        failures=$((failures + 1))
    fi
    if ! run "$model"; then
        echo "$model: runs on none of 1, 2, 4, 8 and 16 GPUs"
        head -n 5 err
        failures=$((failures + 1))
    fi
done

# What the weights are published in holds where the scenario does not say otherwise. Few layers are enough.
weights() { # weights MODEL ATTENTION FEED-FORWARD [OPTION...]: format and block of each
    local model=$1 expected="attention_weights: $2
ffn_weights: $3"
    shift 3
    sed "s/^model: .*/model: {use: $model, layers: 4}/" \
        one.yaml >weights.yaml
    expect 0 "*" "" "$cpsim" show weights.yaml "$@"
    awk '/^precision:/ { on = 1 } on && /^  [a-z_]+:$/ { class = $1 } on && /^    format:/ { format = $2 }
         on && /^    block:/ { print class, format, $2 } /^attention:/ { on = 0 }' out | head -n 2 >got
    compare "$model $*" "$expected" got
}
weights deepseek-v3 "fp8 128" "fp8 128"
weights deepseek-v3.2 "fp8 128" "fp8 128"
weights kimi-k2 "fp8 128" "fp8 128"
weights kimi-k2.5 "bf16 0" "int4 32"
weights kimi-k2.6 "bf16 0" "int4 32"
weights gpt-oss-20b "bf16 0" "mxfp4 0"
weights gpt-oss-20b "bf16 0" "bf16 0" --set precision=bf16
weights minimax-m2.5 "fp8 128" "fp8 128"
weights mimo-v2-flash "fp8 128" "fp8 128"
weights deepseek-v4-flash "fp8 128" "mxfp4 0"
weights glm-5 "bf16 0" "bf16 0"
finish
