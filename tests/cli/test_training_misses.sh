#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What docs/training.md says each mechanism would give where training comes out too fast: Llama 3 405B with context
# ranks over network cards on 512 and 8,192 GPUs, GPT-3 on 3,072.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
cat >llama.yaml <<'YAML'
schema: 1
model: llama3-405b
cluster: {use: dgx-h100, nodes: 64}
software: megatron
layout: {tensor: 8, context: 2, pipeline: 8, data: 4}
workload: {kind: training, global_batch: 256, sequence: 8192 tokens, schedule: interleaved, virtual_stages: 8,
    stages_outside: true, tensor_overlap: true}
memory: {fraction: 1}
YAML
gpt3=(cluster.nodes=384 layout.data=96 layout.tensor=4 layout.pipeline=8)
wide=(cluster.nodes=1024 layout.data=64 workload.global_batch=2048)

# seconds SCENARIO KEY...: of a step
seconds() {
    local scenario=$1 keys=()
    shift
    for key in "$@"; do keys+=(--set "$key"); done
    "$cpsim" run "$scenario" "${keys[@]}" --json |
        "$python" -c 'import json, sys; print(json.load(sys.stdin)["figures"]["step_seconds"])'
}
# more WHAT PERCENT SECONDS BASE: SECONDS are so many percent more than BASE
more() {
    "$python" -c 'import sys; what, percent, seconds, base = sys.argv[1:]
got = 100 * (float(seconds) / float(base) - 1)
print(f"{what}: {got:+.2f} %")
sys.exit(abs(got - float(percent)) > 0.06)' "$@" || failures=$((failures + 1))
}
base=$(seconds llama.yaml)
more 'no tensor overlap' 3.5 "$(seconds llama.yaml workload.tensor_overlap=false)" "$base"
more 'jitter' 3.1 "$(seconds llama.yaml jitter=true)" "$base"
more 'replicas beside nothing' 1.25 "$(seconds llama.yaml workload.overlap=false)" "$base"
more 'cards at half their rate' 0.8 "$(seconds llama.yaml 'cluster.connection_rate=18 GB/s')" "$base"
more 'cards at a quarter' 9.0 "$(seconds llama.yaml 'cluster.connection_rate=9 GB/s')" "$base"
more 'keys and values gathered' 0.5 "$(seconds llama.yaml workload.context_exchange=all-gather)" "$base"
more 'memory kernels slower by an eighth' 0.3 "$(seconds llama.yaml software.training.memory_passes=1.6)" "$base"
narrow=$(seconds llama.yaml workload.global_batch=2048)
more 'sixteen times the GPUs' 4.7 "$(seconds llama.yaml "${wide[@]}")" "$("$python" -c "print($narrow / 16)")"
base=$(seconds "$source/scenarios/train-gpt3-175b.yaml" "${gpt3[@]}")
more 'GPT-3, jitter' 1.4 "$(seconds "$source/scenarios/train-gpt3-175b.yaml" "${gpt3[@]}" jitter=true)" "$base"
more 'GPT-3, replicas beside nothing' 11.9 \
    "$(seconds "$source/scenarios/train-gpt3-175b.yaml" "${gpt3[@]}" workload.overlap=false)" "$base"
finish
