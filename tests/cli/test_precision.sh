#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a run says of a precision: predicted loss, over-training, super weights and measured
# accuracies, which are never extrapolated; what a training checkpoint takes; how many tokens a
# service's KV cache has room for.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"

cat >int4.yaml <<'END'
schema: 1
model: llama-7b
cluster: {use: dgx-h100, nodes: 1}
precision: {attention_weights: {format: int4, scaling: row}, ffn_weights: {format: int4, scaling: row}}
quality: {tokens: 1e12 tokens}
workload: {kind: conversation, turns: [{prompt: 100 tokens}]}
END
expect 0 "/over-trained for int4: beyond 181.6 B training tokens .D_crit. more data made it worse/" "" \
    "$cpsim" run int4.yaml
expect 0 "/^super weights   1 in llama-7b .arXiv 2411.07191.; keeping them in 16 bits costs 10.0 B$/" "" \
    "$cpsim" run int4.yaml
# A row is 4,096 elements: table 6's 64 x 64. A tensor of 45 million is beyond what was measured.
expect 0 "/^ *zero-shot accuracy 66.2 % in int4 by rounding, 70.1 % in fp16$/" "" "$cpsim" run int4.yaml
"$cpsim" run int4.yaml --set precision.ffn_weights.scaling=tensor >tensor.out
if grep -q zero-shot tensor.out; then
    echo "accuracy is extrapolated"
    failures=$((failures + 1))
fi
# Few tokens and bits enough: nothing is over-trained.
"$cpsim" run int4.yaml --set precision=fp8 >fp8.out
if grep -q over-trained fp8.out; then
    echo "fp8 is called over-trained"
    failures=$((failures + 1))
fi
# Every model's coordinates lie inside it; a scenario that cuts layers cuts them too.
for model in llama-7b llama-13b llama-30b llama2-7b llama2-13b llama3-8b mistral-7b-v0.1 olmo-1b olmo-7b phi3-mini; do
    expect 0 "/ok$/" "" "$cpsim" check int4.yaml --set "model=$model"
done
"$cpsim" run int4.yaml --set model.layers=2 >cut.out
if grep -q "super weights" cut.out; then
    echo "layers that were cut off still have super weights"
    failures=$((failures + 1))
fi

# Inside what the law was tried on: C_T D^0.5068 / N^0.3439 e^(1.1277 - 4 / 0.5907), D 26e9, N 0.973e9.
expect 0 "/loss 3.0679 nats a token, 0.0326 of it by precision/" "" "$cpsim" run "$source/scenarios/quantised-1b.yaml"

# 8.03e9 parameters, 14 bytes each, and half of it with FP8-LM's states; 8 GPUs write an eighth each.
cat >train.yaml <<'END'
schema: 1
model: llama3-8b
cluster: {use: dgx-h100, nodes: 1, storage_rate: 10 GB/s}
software: megatron
layout: {tensor: 8}
workload: {kind: training, global_batch: 8, sequence: 4096 tokens}
END
expect 0 "/^checkpoint      112 GB, 14.1 GB a GPU; 11.2 s at the storage's rate$/" "" "$cpsim" run train.yaml
expect 0 "/^checkpoint      56.6 GB, 7.07 GB a GPU; 5.66 s at the storage's rate$/" "" \
    "$cpsim" run train.yaml --set precision=fp8-lm

# A cache in fp8 has room for twice the tokens, less one page; int4 weights leave more room for it.
cat >service.yaml <<'END'
schema: 1
model: llama3-8b
cluster: {use: dgx-h100, nodes: 1}
workload:
  kind: serving
  arrivals: {kind: constant, rate: 1 /s}
  lengths: {prompt: {kind: fixed, tokens: 100 tokens}, output: {kind: fixed, tokens: 2 tokens}}
  requests: 2
END
room() {
    "$cpsim" run service.yaml --set "precision=$1" --json | sed -nE '0,/kv_cache_tokens_per_replica/s/.*"kv_cache_tokens_per_replica": ([0-9]+).*/\1/p'
}
bf16=$(room bf16) fp8=$(room kv-fp8) int4=$(room w4a16)
if [ "$fp8" -lt "$((2 * bf16 - 64))" ] || [ "$fp8" -gt "$((2 * bf16 + 64))" ] || [ "$int4" -le "$bf16" ]; then
    echo "room for $bf16 tokens in bf16, $fp8 with the cache in fp8, $int4 with weights in int4"
    failures=$((failures + 1))
fi
finish
