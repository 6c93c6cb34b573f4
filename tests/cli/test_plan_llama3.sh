#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What docs/sweeps.md says of Llama 3 405B on 16,384 H100: among layouts of 8 tensor ranks, without
# what no such run would do, the search ends where its authors did (arXiv 2407.21783, table 4).
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
cat >plan.yaml <<YAML
schema: 1
title: Llama 3 405B on 16,384 H100
base: $source/scenarios/train-llama3-405b.yaml
played: 1
axes:
  layout.tensor: [4, 8]
  layout.context: [8, 16]
  layout.pipeline: [8, 16, 32]
  workload.schedule: [1f1b, interleaved]
  workload.virtual_stages: [1, 4, 8]
  workload.micro_batch: [1, 2]
  workload.recompute: [none, selective]
  workload.sharding: [zero1, fsdp]
  workload.sequence_parallel: [true]
  workload.tensor_overlap: [false]
YAML
expect 0 '/^ *1[0-9]\.[0-9] s +[34][0-9] % +[0-9.]+ GB +16384 +8 +16 +16 +8 +8 +1 interleaved none +fsdp$/' '' \
    "$cpsim" plan plan.yaml -o plan
awk -F, 'NR == 2 { exit !($3 == 8 && $4 == 16 && $6 == 16 && $2 == 8) }' plan/plan.csv ||
    { head -n 3 plan/plan.csv; failures=$((failures + 1)); }
finish
