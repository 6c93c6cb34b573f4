#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What docs/training.md says of levers and of GPUs that are not alike: the shipped scenarios' own answers.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
# shellcheck disable=SC2317 # expect calls it
train() {
    local scenario=$1 keys=()
    shift
    for key in "$@"; do keys+=(--set "$key"); done
    "$cpsim" run "$source/scenarios/train-$scenario.yaml" "${keys[@]}"
}

expect 0 '/^step +6\.58 s/' '' train 16k-jitter
expect 0 '/^step +6\.41 s/' '' train 16k-jitter jitter=false
expect 0 '/^step +6\.56 s/' '' train 16k-jitter layout.data=16 workload.global_batch=256
expect 0 '/^step +6\.40 s/' '' train 16k-jitter jitter=false layout.data=16 workload.global_batch=256

growing='workload.batch_schedule.width=growing'
expect 0 '/^growing batch .* 2\.45 days, 15,040 GPU-hours, 0 changes/' '' train growing-batch
expect 0 '/^constant batch .* 2\.81 days, 17,300 GPU-hours/' '' train growing-batch
expect 0 '/^growing batch .* 7\.67 days, 14,980 GPU-hours, 5 changes/' '' train growing-batch $growing
expect 0 '/^growing batch .* 2\.25 days, 13,850 GPU-hours, 3 changes/' '' \
    train growing-batch workload.batch_schedule.width=replanned
expect 2 '' '/batch_schedule: how many steps a batch takes is known of a run to a loss/' \
    train growing-batch workload.target_loss=0

expect 0 '/^growing batch +89,230 steps, 22\.9 hours, 2,935 GPU-hours/' '' train batch-warmup
expect 0 '/^constant batch +156,880 steps, 23\.0 hours/' '' train batch-warmup
expect 0 '/the growing batch takes 43 % fewer/' '' train batch-warmup
expect 2 '' '/share: 2 of the local critical batch costs tokens/' train batch-warmup workload.batch_schedule.share=2
expect 2 '' '/expected workload.tokens or workload.target_loss/' train batch-warmup workload.tokens=0
expect 2 '' '/a batch that stays follows no critical one/' train batch-warmup workload.batch_schedule.growth=1

expect 0 '/^step +81\.1 s.* MFU 37 %/' '' train offload
expect 0 '/host memory 6\.8 %/' '' train offload
expect 0 '/^host memory +106 GB a GPU, 847 GB a node/' '' train offload
expect 0 '/MFU 44 %/' '' train offload workload.recompute=core-attention workload.offload.activations=0.25
expect 0 '/MFU 35 %/' '' train offload workload.recompute=core-attention workload.offload.activations=0.5
expect 0 '/MFU 19 %/' '' train offload workload.recompute=core-attention workload.offload.activations=1
expect 0 '/MFU 47 %/' '' train offload workload.recompute=core-attention workload.offload.activations=0.5 \
    'cluster.host_memory_rate=0 B/s' 'cluster.host_both_rate=0 B/s'
expect 2 '' '/workload.offload: 106 GB a GPU are more than the 500 GB/' train offload 'cluster.host_memory=500 GB'

expect 0 '/^step +32\.8 s/' '' train galore
expect 0 '/SVD 9\.5 %/' '' train galore
expect 0 '/: 54\.5 GB of/' '' train galore
expect 0 '/^step +29\.6 s/' '' train galore workload.galore.rank=0
expect 0 '/: 73\.3 GB of/' '' train galore workload.galore.rank=0
expect 0 '/^step +27\.1 s/' '' train galore workload.galore.rank=0 precision=adam-8bit workload.recompute=operators
expect 0 '/^step +27\.2 s/' '' train galore workload.recompute=none
expect 2 '' '/does not fit/' train galore workload.galore.rank=0 workload.recompute=operators
expect 2 '' '/workload.galore: with sharding: fsdp/' train galore workload.sharding=fsdp
expect 2 '' '/workload.layer_updates: a gradient/' train galore workload.layer_updates=true
# The fullest stage has no layer of the one kind, without experts: no product of no rows.
expect 0 '/^step +[0-9.]+ s/' '' train deepseek-v3 workload.galore.rank=512

# Shards that cut no block: what FSDP2 copies into and out of its exchanges is not there.
expect 0 '/^step +315 ms/' '' train two-gpus
expect 0 '/^step +294 ms/' '' train two-gpus software.training.gather_copy_bytes=0 software.training.shard_copy_bytes=0 \
    software.training.reduce_copy_bytes=0

expect 0 '/each sends 423 GB, in 8\.59 s: 1\.2 % of the time/' '' train four-sites
expect 0 '/: 55 % of the time/' '' train four-sites workload.inner_steps=1
expect 0 '/each sends 48\.2 GB, in 38\.7 s: 5\.4 % of the time/' '' train paths
expect 2 '' '/workload.inner_steps: .* there is one/' train 16k-jitter workload.inner_steps=10

expect 0 '/^step +15\.6 s/' '' train documents
expect 0 '/^step +13\.1 s/' '' train documents workload.documents.packing=balanced
expect 0 '/^step +27\.1 s/' '' train documents workload.documents.mean=0
lengths="file: $source/scenarios/traces/made-up-documents.csv"
expect 0 '/^step +13\.9 s/' '' train documents "workload.documents={$lengths}"
expect 0 '/^step +12\.1 s/' '' train documents "workload.documents={$lengths, packing: balanced}"
expect 2 '' '/documents.file: a file says every length/' train documents "workload.documents={$lengths, mean: 9}"
printf 'tokens,count\n12,x\n0,3\n' >wrong.csv
expect 2 '' "wrong.csv:2:4: error: 'x': expected a whole number from 1 to 1e+15
wrong.csv:3:1: error: '0': expected a whole number from 1 to 1e+09
2 errors" train documents 'workload.documents={file: wrong.csv}'

expect 0 '/^hoffmann +17\.25 B +6\.331 T/' '' train served
expect 0 '/^hoffmann +41\.3 B +4\.036 T/' '' train served workload.compute_budget.served_tokens=0
expect 2 '' '/served_tokens: serving 1e\+14 tokens takes/' train served workload.compute_budget.served_tokens=1e14
finish
