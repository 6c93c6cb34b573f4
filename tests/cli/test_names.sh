#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Where the files of names are found, which one wins, and what is said when there is none.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
mkdir -p "$scratch/a/scenarios" "$scratch/a/models/llm" "$scratch/a/platforms/gpus" "$scratch/b/models/llm"
cd "$scratch/a"

scenario() { # scenario FILE MODEL
    printf 'schema: 1\nmodel: %s\ncluster: dgx-h100\nworkload: {kind: conversation, turns: [{prompt: 9 tokens}]}\n' \
        "$2" >"$1"
}
model() { # model FILE LAYERS
    sed "s/^layers: .*/layers: $2/" "$source/models/llm/llama3-70b.yaml" >"$1"
}
layers_of() { "$cpsim" show "$1" | sed -nE 's/^  layers: ([0-9]+).*/\1/p'; }
finds() { # finds LAYERS FILE
    local layers
    layers=$(layers_of "$2")
    if [ "$layers" != "$1" ]; then
        echo "$2: found the model of '$layers' layers, expected $1"
        failures=$((failures + 1))
    fi
}

# The nearest wins: beside the scenario, then its neighbours, CPSIM_PATH, and what came with cpsim.
scenario scenarios/s.yaml llama3-8b
finds 32 scenarios/s.yaml
model "$scratch/b/models/llm/llama3-8b.yaml" 3
CPSIM_PATH=$scratch/b finds 3 scenarios/s.yaml
model models/llm/llama3-8b.yaml 2
CPSIM_PATH=$scratch/b finds 2 scenarios/s.yaml
model scenarios/llama3-8b.yaml 1
CPSIM_PATH=$scratch/b finds 1 scenarios/s.yaml
# ... from wherever the program is started.
(cd / && CPSIM_PATH=$scratch/b finds 1 "$scratch/a/scenarios/s.yaml")
# A scenario may have the name of a model, and is not meant by it.
scenario scenarios/llama3-8b.yaml llama3-8b
CPSIM_PATH=$scratch/b finds 2 scenarios/llama3-8b.yaml
# A path is relative to the file that names it; on the command line, to the working directory.
scenario scenarios/path.yaml ../models/llm/llama3-8b.yaml
(cd / && finds 2 "$scratch/a/scenarios/path.yaml")
expect 0 "/^  layers: 2 /" "" "$cpsim" show scenarios/s.yaml --set model=models/llm/llama3-8b.yaml

# A file may use another and change it; the name is its own.
printf 'schema: 1\nuse: h100-sxm\npower_limit: {value: 650 W, source: "a set limit"}\n' >platforms/gpus/capped.yaml
expect 0 "/^  power_limit: 650 W +# platforms/gpus/capped.yaml:3$/" "" "$cpsim" show scenarios/s.yaml --set gpu=capped
compare "the GPU's name" "/^  name: capped +/" "$scratch/out"
# Keys of the scenario go over the cluster's own GPU, without naming it again.
printf 'gpu: {power_limit: 500 W}\n' >>scenarios/s.yaml
expect 0 "/^  power_limit: 500 W +# scenarios/s.yaml:5$/" "" "$cpsim" show scenarios/s.yaml
compare "the GPU's name" "/^  name: h100-sxm +/" "$scratch/out"

scenario scenarios/none.yaml llama3-9b
expect 2 "" "/^scenarios/none.yaml:2:8: error: model: no file for 'llama3-9b' \(did you mean 'llama3-8b'\?\); there are: .*llama3-405b, llama3-70b, llama3-8b.*; looked beside the file, on CPSIM_PATH and in: models/llm, /" \
    "$cpsim" check scenarios/none.yaml
scenario scenarios/none.yaml ./none/at/all.yaml
expect 2 "" $'scenarios/none/at/all.yaml: error: cannot be opened: No such file or directory\n1 error' \
    "$cpsim" check scenarios/none.yaml
finish
