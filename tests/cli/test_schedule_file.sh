#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A pipeline's order as a file of the user's own (schedule: {file: F.csv}): the order that `cpsim show
# --schedule` prints of every kind takes the same step, to the last digit, as the kind itself; and what
# is wrong with a file is said where it is.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
cat >base.yaml <<'YAML'
schema: 1
title: Llama 3.2 1B in four stages
model: llama3.2-1b
cluster: dgx-h100
software: megatron
layout: {pipeline: 4, data: 2}
workload: {kind: training, global_batch: 16, sequence: 4096 tokens}
YAML
for kind in gpipe:1 1f1b:1 interleaved:2 zero-bubble:1 zero-bubble:2 zbv:2 loop-bfs:2 dualpipev:2; do
    set=(--set "workload.schedule=${kind%:*}" --set "workload.virtual_stages=${kind#*:}")
    "$cpsim" show base.yaml "${set[@]}" --schedule -o order.csv
    "$cpsim" base.yaml "${set[@]}" --json | grep -vE '"(title|schedule)":' >named.json
    "$cpsim" base.yaml --set 'workload.schedule={file: order.csv}' --json | grep -vE '"(title|schedule)":' >own.json
    cmp named.json own.json || failures=$((failures + 1))
    "$cpsim" show base.yaml --set 'workload.schedule={file: order.csv}' --schedule -o again.csv
    cmp order.csv again.csv || failures=$((failures + 1))
done

wrong() { # what the file holds, what is said of it
    printf '%s\n' "$1" >wrong.csv
    expect 2 '' "$2" "$cpsim" check base.yaml --set 'workload.schedule={file: wrong.csv}'
}
wrong '0F0,0X0' "wrong.csv:1:5: error: '0X0' is no action; expected such as 3F1, 2I0, 2W0, 2B0 or (0F4;7B0)OVERLAP_F_B; what is sent follows by itself, so dump the schedule of computation alone
1 error"
wrong '0F0,0B0
1B0,1F0' "wrong.csv:1:5: error: rank 0 waits at 0B0 for ever: what it needs comes after it, or from a rank that waits too
1 error"
wrong '0F0,0F0,0B0' "wrong.csv:1:5: error: 0F0: part 0 has had this pass of micro-batch 0 already
1 error"
wrong '0F0,0F1,0B0' "wrong.csv: error: part 0 has no gradients of inputs of micro-batch 1
1 error"
wrong '0F0,0B0,2F0,2B0
3F0,3B0,1F0,1B0
4F0,4B0,5F0,5B0' "wrong.csv:1:9: error: part 2 on rank 0; expected parts that go round the ranks (part p on rank p mod 3) or there and back again, as a V
1 error"
wrong '0F0,0B0
1F0,1B0' '/workload.schedule.file: has 2 ranks, and layout.pipeline is 4; expected a row for each stage/'
expect 2 '' '/none.csv: error: .*cannot be read|none.csv.*error/' "$cpsim" check base.yaml --set 'workload.schedule={file: none.csv}'
finish
