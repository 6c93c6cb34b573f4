#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `cpsim show` prints is the scenario again: it reads back, complete in itself, as the same
# values, whatever they were written as.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cp -r "$source"/scenarios/*.yaml "$source"/scenarios/{traces,routing} "$scratch"
cd "$scratch"
cat >odd.yaml <<'END'
schema: 1
title: "a \"quoted\" title: with # signs, a \\ and\ttabs — and dashes"
model: {use: llama3-8b, title: 'yes: no'}
cluster: {use: dgx-h100, nodes: 2}
precision: {preset: fp8, kv_cache: fp8, embedding: fp16}
layout: {tensor: 8}
workload:
  kind: conversation
  cached: 1_000 tokens
  turns: [{prompt: 10 tokens}, {prompt: 20 tokens, output: 5 tokens}]
background: [{from: 0, to: 8, bytes: 1.5 GiB, start: 1 ms}]
trace: "- odd.h5"
END
for scenario in *.yaml; do
    notes=''
    case $scenario in ten-million-tokens.yaml) notes='/: note: .* are extrapolated$/' ;; esac
    expect 0 "*" "$notes" "$cpsim" show "$scenario"
    sed -E 's/ +# [^#]*$//' out >first.txt
    cp out again.yaml
    # From a place where no name would be found: everything is in the file.
    expect 0 "*" "$notes" "$cpsim" show again.yaml
    sed -E 's/ +# [^#]*$//' out >second.txt
    if ! diff -u first.txt second.txt; then
        echo "$scenario: show does not read back as itself"
        failures=$((failures + 1))
    fi
    rm again.yaml
done
expect 0 "/\\{\"key\": \"layout.tensor\", \"value\": \"8\", \"origin\": \"odd.yaml:6\"\\}/" "" "$cpsim" show odd.yaml --json
finish
