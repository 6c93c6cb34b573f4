#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Which software a scenario takes that names none, and what is said when it asks for what the
# software lacks.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"

# scenario CLUSTER WORKLOAD >FILE
scenario() {
    printf 'schema: 1\nmodel: llama3-8b\ncluster: %s\nworkload: %s\n' "$1" "$2"
}
talk='{kind: conversation, turns: [{prompt: 100 tokens, output: 10 tokens}]}'
serve='{kind: serving, arrivals: {kind: poisson, rate: 1 /s}, requests: 20, lengths: {prompt: {kind: fixed, tokens: 100 tokens}, output: {kind: fixed, tokens: 10 tokens}}}'
train='{kind: training, global_batch: 8, sequence: 1024 tokens}'

# taken NAME FILE [--set ...]
taken() {
    "$cpsim" show "${@:2}" >shown 2>err || cat err
    grep -A1 '^software:' shown | grep -q "name: $1 " || {
        echo "$2: not $1:" && grep -A1 '^software:' shown
        failures=$((failures + 1))
    }
}
scenario dgx-h100 "$talk" >talk.yaml
scenario dgx-h100 "$serve" >serve.yaml
scenario dgx-h100 "$train" >train.yaml
taken vllm talk.yaml
taken vllm serve.yaml
taken pytorch-nccl train.yaml --set layout.tensor=4
taken vllm serve.yaml --set cluster=p5
taken meta-context-parallel talk.yaml --set cluster=gti # the cluster names it
taken sglang talk.yaml --set software=sglang

# A mapping without `use` changes keys of the default; what `show` prints reads back as it is.
taken vllm talk.yaml --set 'software.step=1 ms'
"$cpsim" show talk.yaml --set software=pytorch-nccl >shown.yaml
"$cpsim" run shown.yaml --json >again.json
"$cpsim" run talk.yaml --set software=pytorch-nccl --json >once.json
cmp <(grep ttft_seconds again.json) <(grep ttft_seconds once.json) || failures=$((failures + 1))

# What the engine cannot do is an error that says what can.
others='meta-context-parallel, nccl-tests, pytorch-deepep, pytorch-experts, pytorch-nccl, pytorch-pplx'
expect 2 '' "--set layout.context=2: error: layout.context: vllm has no ring attention over context ranks; expected 1, or software that has it: $others, tensorrt-llm, tensorrt-llm-0.20, tensorrt-llm-1.1, tensorrt-llm-1.2 (software.features, for one of your own)
1 error" "$cpsim" check talk.yaml --set layout.context=2
expect 2 '' "--set workload.service.preemption=swap: error: workload.service.preemption: vllm has no swapping of KV caches to the host; expected recompute, or software that has it: $others (software.features, for one of your own)
1 error" "$cpsim" check serve.yaml --set workload.service.preemption=swap
expect 0 '*' '' "$cpsim" check talk.yaml --set layout.context=2 --set 'software.features=[context]'
expect 2 '' "--set software.features=[pool]: error: software.features.0: 'pool' is not known (did you mean 'pools'?); expected one of: context, pipeline, expert, attention-data, pools, swap, speculation, adapters, tiers
1 error" "$cpsim" check talk.yaml --set 'software.features=[pool]'

finish
