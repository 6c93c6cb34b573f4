#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What docs/sweeps.md says of Calculon's winners and ours for GPT-3 175B on 256 H100: which fit, and how
# long a step of each takes.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
# shellcheck disable=SC2317 # expect calls it
gpt3() {
    local keys=()
    for key in "$@"; do keys+=(--set "$key"); done
    "$cpsim" run "$source/scenarios/train-gpt3-175b.yaml" "${keys[@]}"
}
calculon=(layout.tensor=4 layout.pipeline=8 layout.data=8 workload.micro_batch=3
    workload.virtual_stages=6 workload.recompute=core-attention workload.tensor_overlap=true)
offloaded=(layout.tensor=4 layout.pipeline=2 layout.data=32 workload.micro_batch=8
    workload.virtual_stages=24 workload.recompute=none workload.tensor_overlap=true)
ours=(layout.tensor=8 layout.pipeline=2 layout.data=16 workload.micro_batch=4
    workload.virtual_stages=16 workload.recompute=none workload.sharding=fsdp
    workload.tensor_overlap=true)

expect 2 '' '/does not fit the memory by 32.3 GB/' gpt3 "${calculon[@]}"
expect 0 '/^step +21\.9 s/' '' gpt3 "${calculon[@]}" 'gpu.memory=140 GiB' memory.fraction=1
expect 0 '/109 GB of 150 GB/' '' gpt3 "${calculon[@]}" 'gpu.memory=140 GiB' memory.fraction=1
expect 0 '/^step +20\.5 s/' '' gpt3 "${offloaded[@]}" 'gpu.memory=2000 GiB'
expect 0 '/298 GB of /' '' gpt3 "${offloaded[@]}" 'gpu.memory=2000 GiB'
expect 0 '/^step +21\.7 s/' '' gpt3 "${ours[@]}"
expect 0 '/73\.2 GB of 84\.9 GB/' '' gpt3 "${ours[@]}"
finish
