#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A figure has one name and one value in --json, in a sweep's columns, in a trace's attributes, in
# `cpsim describe figures` and on docs/json-output.md, for each kind of workload.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" h5py)

expect 0 "" "" "$python" "$source/tests/cli/figures.py" page "$cpsim" "$source/docs/json-output.md"

# A conversation of two turns with a ring and a quality, services, training runs with all there is.
cat >turns.yaml <<'END'
schema: 1
title: Two turns
model: llama3.1-8b
cluster: dgx-h100
software: pytorch-nccl
precision: w4a16
attention: {ring: auto}
layout: {tensor: 2, context: 2}
quality: {tokens: 15e12 tokens}
workload:
  kind: conversation
  turns: [{prompt: 3000 tokens, output: 5 tokens}, {prompt: 200 tokens, output: 5 tokens}]
END
expect 0 "" "" "$python" "$source/tests/cli/figures.py" run "$cpsim" turns.yaml \
    "$source"/scenarios/{serving-disaggregated,serving-faults,train-failures,train-batch-size,train-compute-budget}.yaml

# The comparison sees a table that is not the program's.
sed 's/Time to first token/Time to the first token/' "$source/docs/json-output.md" >page.md
expect 1 "page.md: its tables of figures are not those of the program; figures.py page CPSIM page.md --update" "" \
    "$python" "$source/tests/cli/figures.py" page "$cpsim" page.md
finish
