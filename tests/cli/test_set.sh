#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --set is checked by the same tables as the file, and every complaint names the flag.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$source"
scenario=scenarios/llama405b.yaml

refused() {
    expect 2 "" "--set $1: error: $2"$'\n1 error' "$cpsim" check "$scenario" --set "$1"
}
refused layout.tensor=4096 "layout.tensor: 4096 is out of range, expected 1 to 1024"
refused layuot.tensor=8 "unknown key 'layuot' (did you mean 'layout'?)"
refused layout.tensr=8 "unknown key 'tensr' in layout (did you mean 'tensor'?)"
refused model.kv_heads=256 "model.kv_heads: 256 does not divide the 128 query heads"
refused workload.turns.0.prompt=4000 "workload.turns.0.prompt: '4000' needs a unit; expected a number of tokens such as 4000 tokens"
refused "workload.turns.9.prompt=4 tokens" "workload.turns is a list of 2; expected an item's number, counted from 0, as in workload.turns.0"
refused "workload.turns.first.prompt=4 tokens" "workload.turns is a list of 2; expected an item's number, counted from 0, as in workload.turns.0"
refused title.first=A "title is a single value; it has no 'first'"
refused layout.tensor= "layout.tensor: has no value; expected a whole number"
refused layout.tensor "expected key.path=value, such as layout.tensor=8"
refused "=8" "expected key.path=value, such as layout.tensor=8"
refused precision=fp9 "precision: 'fp9' is not a preset (did you mean 'fp8'?); expected one of: bf16, fp8-ffn, fp8-tensor, fp8, fp8-block, w4a16, w8a8, kv-fp8, fp8-lm, adam-8bit, transformer-engine"
refused "trace={file: a.h5" "YAML syntax: did not find expected ',' or '}' while parsing a flow mapping"
refused "trace={file: a.h5, file: b.h5}" "key 'file' is here twice"

shown() {
    local pattern=$1 setting=() arguments=()
    shift
    for setting in "$@"; do arguments+=(--set "$setting"); done
    expect 0 "/$pattern/" "" "$cpsim" show "$scenario" "${arguments[@]}"
}
shown '^  tensor: 4 +# --set$' model=llama3-8b layout.tensor=2 layout.tensor=4
shown '^    - prompt: 8_000 tokens +# --set$' "workload.turns.0.prompt=8_000 tokens"
shown '^    format: fp8 +# --set$' precision.kv_cache=fp8
shown '^    format: fp8 +# preset fp8-ffn$' precision.kv_cache=fp8
shown '^title: "One: two # three" +# --set$' 'title=One: two # three'
shown '^  nodes: 64 +# --set$' cluster.nodes=64
shown '^  name: dgx-h100' cluster=dgx-h100 cluster.nodes=16 memory.fraction=1
shown '^  layers: 2 +# --set$' model.layers=2
shown '^  power_limit: 600 W +# --set$' 'gpu.power_limit=600 W'
shown '^  - from: 0 +# --set$' 'background=[{from: 0, to: 8, bytes: 1 GB}]'
shown '^    to: 9 +# --set$' 'background=[{from: 0, to: 8, bytes: 1 GB}]' background.0.to=9
shown '^  ring: pass-q +# --set$' attention=pass-q
# No trace where the scenario asks for one; a file of that name takes quotes.
"$cpsim" run "$source/scenarios/one-gpu.yaml" -q --set trace=none --set 'trace.operators=all'
"$cpsim" run "$source/scenarios/one-gpu.yaml" -q --set trace=false
if [ -e none ] || [ -e false ]; then
    echo "trace=none wrote a file"
    failures=$((failures + 1))
fi
# Routing: eight tokens of a power law go to fewer experts than eight that go where they like.
few=(--set model=qwen3-30b-a3b --set 'workload={kind: conversation, batch: 8, cached: 1000 tokens, turns: [{prompt: 1 token, output: 4 tokens}]}' --json)
"$cpsim" run "$source/scenarios/one-gpu.yaml" "${few[@]}" -o "$scratch/even.h5" >"$scratch/even"
"$cpsim" run "$source/scenarios/one-gpu.yaml" "${few[@]}" -o "$scratch/power.h5" --set routing=power-law >"$scratch/power"
tpot() { sed -n 's/.*"tpot_seconds": \([0-9.e-]*\).*/\1/p' "$scratch/$1" | head -n 1; }
if ! awk -v even="$(tpot even)" -v power="$(tpot power)" 'BEGIN { exit !(power > 0 && power < 0.9 * even) }'; then
    echo "routing=power-law: $(tpot power) s a token, even routing $(tpot even): expected a tenth less at least"
    failures=$((failures + 1))
fi
finish
