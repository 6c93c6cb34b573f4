#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# builds.sh PROGRAM PROGRAM...: builds of one revision (debug and release, gcc and clang, x86-64 levels)
# answer every shipped scenario with the same bytes, as text, as JSON and in the trace. Says what differs.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CPSIM_PROGRESS=never NO_COLOR=1 CPSIM_PATH=$PWD
# The last line of a summary says how long the program itself took.
answer() {
    local program=$1 scenario=$2 to=$3
    "$program" "$scenario" -o "$folder/trace.h5" 2>&1 | sed -E '/s wall/d' >"$to.txt"
    "$program" "$scenario" --json >"$to.json" 2>"$to.err" || true
    mv "$folder/trace.h5" "$to.h5" 2>/dev/null || true
}
first=$1
failures=0 compared=0
for scenario in scenarios/*.yaml; do
    answer "$first" "$scenario" "$folder/first"
    for program in "${@:2}"; do
        answer "$program" "$scenario" "$folder/other"
        for kind in txt json err h5; do
            if ! cmp -s "$folder/first.$kind" "$folder/other.$kind" && [ -e "$folder/first.$kind" ]; then
                printf '%s: %s and %s differ in %s\n' "$scenario" "$first" "$program" "$kind" >&2
                failures=$((failures + 1))
            fi
        done
        compared=$((compared + 1))
    done
    rm -f "$folder"/first.* "$folder"/other.*
done
printf '%d answers compared, %d differ\n' "$compared" "$failures"
[ "$failures" -eq 0 ]
