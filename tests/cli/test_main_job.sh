#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job as a user runs it: what it prints and where, the trace it leaves, the same bytes
# twice, and nothing left behind when the input is wrong.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
scenario=$source/scenarios/llama405b.yaml
escape=$'\x1b'

absent() { # absent FILE...: none of them is there
    local file
    for file in "$@"; do
        if [ -e "$file" ]; then
            echo "$file was left behind"
            failures=$((failures + 1))
            rm -f "$file"
        fi
    done
}

same() { # same A B
    if ! cmp "$1" "$2"; then
        failures=$((failures + 1))
    fi
}

expect 0 "/^prefill turn 1 +1,000,000 +0 +pass-KV +TTFT +[0-9.]+ s /" "" "$cpsim" "$scenario"
compare "decode" "/^decode  turn 1 +256 +1,000,000 +pass-Q +TPOT +[0-9.]+ ms /" out
compare "partial prefill" "/^prefill turn 2 +4,000 +1,000,256 +pass-Q +TTFT +[0-9.]+ s /" out
compare "memory" "/^memory per GPU  weights [0-9.]+ GB, KV cache [0-9.]+ GB, activations [0-9.]+ GB: /" out
compare "trace" "/^trace +llama405b.h5$/" out
expect 0 "llama405b.h5: ok" "" "$cpsim" trace check llama405b.h5
absent llama405b.h5.part

# Twice: the same bytes, of the trace and of the terminal; `run` is the same command.
"$cpsim" "$scenario" >first
mv llama405b.h5 first.h5
"$cpsim" run "$scenario" >second
same first second
same first.h5 llama405b.h5
rm llama405b.h5
expect 0 "" "" "$cpsim" "$scenario" --quiet -o other.h5
same first.h5 other.h5
absent llama405b.h5

# Colours only on a terminal that wants them.
if grep -q "$escape" first; then
    echo "escape codes in a pipe"
    failures=$((failures + 1))
fi
if script -qec true probe >log 2>&1 </dev/null; then # where a pseudo-terminal can be had
    TERM=xterm script -qec "$cpsim $scenario" terminal >log </dev/null
    compare "on a terminal" "/$escape\[1m/" terminal
    TERM=xterm NO_COLOR=1 script -qec "$cpsim $scenario" plain >log </dev/null
    TERM=dumb script -qec "$cpsim $scenario" dumb >log </dev/null
    # What lasts over a second says how far it is, on one line that takes no escape.
    CPSIM_PROGRESS='' TERM=xterm NO_COLOR=1 script -qec \
        "$cpsim $source/scenarios/serving-faults.yaml --set workload.requests=40000 -o long.h5" long >log </dev/null
    tr '\r' '\n' <long >progress
    compare "progress of a service" '/^\[ *[0-9]+ %\] requests, [0-9.]+ [a-z]+ left/' progress
    if grep -q "$escape" plain dumb long; then
        echo "escape codes in spite of NO_COLOR or TERM=dumb"
        failures=$((failures + 1))
    fi
fi
rm -f llama405b.h5

# Wrong input: a sentence, exit 2, no file.
expect 2 "" "/: error: /" "$cpsim" "$scenario" --set layout.tensor=7
expect 2 "" "/: error: /" "$cpsim" "$scenario" --set workload.turns.0.prompt=1000000
expect 2 "" "/does not fit the memory by [0-9.]+ GB a GPU: turn 2 needs /" \
    "$cpsim" "$scenario" --set workload.turns.1.output=10_000_000tokens # what is generated is cached too
absent llama405b.h5 llama405b.h5.part
expect 2 "" "cpsim: error: --output needs FILE" "$cpsim" "$scenario" -o ''
expect 2 "" "/^none/run.h5: error: .*No such file or directory/" "$cpsim" "$scenario" -o none/run.h5
mkdir folder
expect 2 "" "/^folder: error: /" "$cpsim" "$scenario" -o folder
absent folder.part
expect 2 "" "/: error: /" "$cpsim" "$scratch"
expect 2 "" "/^first: error: cannot be read: not an HDF5 file/" "$cpsim" trace check first
expect 2 "" "cpsim: error: cpsim trace has no 'chekc' (did you mean 'check'?); see cpsim trace --help" \
    "$cpsim" trace chekc first.h5
head -c 20000 first.h5 >cut.h5
expect 2 "" "/^cut.h5: error: /" "$cpsim" trace check cut.h5
# The result cannot be printed: say so.
if [ -e /dev/full ]; then
    expect 1 "" "/^stdout: error: cannot be written: /" bash -c "'$cpsim' '$scenario' -o full.h5 >/dev/full"
fi

# Every shipped scenario runs, and every rank and layer played one by one gives the same table.
for shipped in "$source"/scenarios/*.yaml; do
    notes=''
    case $shipped in */ten-million-tokens.yaml) notes='/: note: .* are extrapolated$/' ;; esac
    expect 0 "/^(total +[0-9.]+ (m?s|minutes|hours|days) simulated|step +[0-9.]+ m?s: .*)$/" "$notes" "$cpsim" "$shipped" -o run.h5
    expect 0 "run.h5: ok" "" "$cpsim" trace check run.h5
done
small=("$source/scenarios/follow-up-prompt.yaml" --set cluster.nodes=2 --set layout.context=2
    --set 'model={use: llama3-8b}' --set 'workload.turns.0.output=8 tokens')
expect 0 "*" "" "$cpsim" "${small[@]}"
mv out folded
expect 0 "*" "" "$cpsim" "${small[@]}" --set detail=full
same folded out
finish
