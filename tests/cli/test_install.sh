#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An installed cpsim finds its models, platforms and scenarios from anywhere, also after it was
# moved, and not in the source tree; its manual and completion are whole.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cmake --install "$(dirname "$cpsim")" --prefix "$scratch/first" >"$scratch/log"
mv "$scratch/first" "$scratch/moved"
installed=$scratch/moved/bin/cpsim
share=$scratch/moved/share
cd /
expect 0 "*" "" "$installed" check "$share"/cpsim/scenarios/llama405b.yaml
cp "$source/scenarios/llama405b.yaml" "$scratch/own.yaml"
expect 0 "/^  layers: 126 +# $share/cpsim/models/llm/llama3-405b.yaml:[0-9]+$/" "" \
    "$installed" show "$scratch/own.yaml"
expect 0 "/^llama3-405b/" "" "$installed" models
if grep -q "$source" "$scratch/out"; then
    echo "the installed program looks into the source tree"
    failures=$((failures + 1))
fi
# It runs from anywhere, and the reader of traces came with it.
cd "$scratch"
expect 0 "/^trace +run.h5$/" "" "$installed" "$share/cpsim/scenarios/llama405b.yaml" -o run.h5
expect 0 "run.h5: ok" "" "$installed" trace check run.h5
for file in cpsim_trace.py __main__.py report.css; do
    test -s "$share/cpsim/analysis/$file" || failures=$((failures + 1))
done
cd /

# The completion is bash, and completes commands, options and keys.
completes() { # completes EXPECTED words...: the last word is the one to complete
    local expected=$1 got
    shift
    got=$(bash -c 'compopt() { :; }; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cpsim
        printf "%s\n" "${COMPREPLY[@]}"' - "$share/bash-completion/completions/cpsim" "$@")
    if ! grep -qxF -- "$expected" <<<"$got"; then
        echo "completing '$*': no '$expected' in: $got"
        failures=$((failures + 1))
    fi
}
completes describe cpsim des
completes --json cpsim show --j
completes layout.tensor= cpsim check --set layout.t
completes workload.turns.0.prompt= cpsim check --set workload.turns
completes check cpsim trace ch
completes --platform-xml cpsim show --pl
completes precision.kv_cache cpsim describe precision.kv

manual=$share/man/man1/cpsim.1
for word in '.SH EXAMPLES' '.B layout.tensor' '.B check FILE...' 'CPSIM_PATH'; do
    if ! grep -qF -- "$word" "$manual"; then
        echo "the manual has no '$word'"
        failures=$((failures + 1))
    fi
done
if command -v groff >"$scratch/log"; then
    groff -man -Tutf8 -ww "$manual" >"$scratch/page" 2>"$scratch/warnings"
    compare "groff" "" "$scratch/warnings"
fi
finish
