#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [SECONDS] [NAME...]: builds the fuzzers with clang's libFuzzer (Debian: clang-14
# libclang-rt-14-dev) and runs each (scenario csv config requests journal clients arguments schedule
# trace) for so long, 30 s unless told, from its corpus, as many at a time as there are processors.
# What it finds lies in build/fuzz/found; a crash ends it with 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source=$PWD
seconds=${1:-30}
shift || true
names=("$@")
if [ ${#names[@]} -eq 0 ]; then names=(scenario csv config requests journal clients arguments schedule trace); fi
if ! command -v clang-14 >/dev/null; then
    echo "run.sh: clang-14 is not here; apt-get install clang-14 libclang-rt-14-dev" >&2
    exit 77
fi
cmake --preset fuzz -DBUILD_TESTING=ON >/dev/null
targets=(write_sample)
for name in "${names[@]}"; do targets+=("fuzz_$name"); done
cmake --build build/fuzz --target "${targets[@]}" -- --quiet
cd build/fuzz
export CPSIM_PATH=$source CPSIM_FUZZ_TRACE=$PWD/fuzzed.h5
export LSAN_OPTIONS=suppressions=$source/tests/lsan.supp:print_suppressions=0
tests/write_sample "$CPSIM_FUZZ_TRACE" 20
# fuzz NAME: its line of the table; 1 after a finding.
fuzz() {
    local name=$1 status=0
    mkdir -p "grown/$name" found
    # libFuzzer's thread that watches memory may hold a lock of malloc() just when a child is made of
    # the process, which then waits for ever: children have a limit of memory of their own.
    local memory=6000
    if [ "$name" = trace ]; then memory=0; fi
    tests/fuzz_"$name" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=$memory -max_len=8192 \
        -artifact_prefix="found/$name-" -print_final_stats=1 "grown/$name" "$source/tests/fuzz/corpus/$name" \
        >"$name.log" 2>&1 || status=1
    if [ "$status" = 0 ] && [ "$name" = trace ]; then
        rm -f found/trace-crash-* # what its children died of, in libhdf5: no findings
    fi
    printf '%-9s %s executions, %s covered, %s\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log")" \
        "$(grep -o 'cov: [0-9]*' "$name.log" | tail -n 1)" \
        "$(grep -m1 -E 'ERROR|fuzz: ' "$name.log" || echo 'nothing found')"
    if [ "$status" = 1 ]; then
        tail -n 40 "$name.log"
    fi
    return "$status"
}
export -f fuzz
export seconds source
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I NAME bash -c 'fuzz NAME'
