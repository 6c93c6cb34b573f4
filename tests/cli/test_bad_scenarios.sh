#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every bad/NAME.yaml is refused with the words of bad/NAME.expected, exit status 2, nothing on
# stdout and no file left behind. A new bad input is two new files.
set -euo pipefail
cpsim=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -R "$source/tests/cli/bad" "$scratch/bad"
cd "$scratch/bad"
before=$(ls -R)
unset CPSIM_PATH
failures=0
for scenario in *.yaml; do
    name=${scenario%.yaml}
    for verb in check run; do
        status=0
        "$cpsim" "$verb" "$scenario" >"$scratch/out" 2>"$scratch/err" || status=$?
        if [ "$status" != 2 ]; then
            echo "$verb $scenario: exit status $status, expected 2"
            failures=$((failures + 1))
        fi
        if [ -s "$scratch/out" ]; then
            echo "$verb $scenario: results on stdout:"
            cat "$scratch/out"
            failures=$((failures + 1))
        fi
        if ! diff -u "$name.expected" "$scratch/err"; then
            echo "$verb $scenario: other words than expected (above)"
            failures=$((failures + 1))
        fi
    done
done
if [ "$(ls -R)" != "$before" ]; then
    echo "a refused scenario left a file behind:"
    ls -R
    failures=$((failures + 1))
fi
exit "$((failures > 0))"
