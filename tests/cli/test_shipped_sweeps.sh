#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every sweep that comes with cpsim runs to its end, and a known one finds what the paper found.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"

# The sweeps that come with cpsim run. Passing queries is the faster at 3 % of new tokens, passing
# keys and values at 10 % (the paper's Table 4), and `auto` takes the faster of the two.
for shipped in "$source"/scenarios/sweeps/*.yaml; do
    expect 0 '/^[0-9]+ of [0-9]+ points done$/' '' \
        "$cpsim" sweep "$shipped" -o "shipped-$(basename "$shipped" .yaml)"
done
rings=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    $column["attention.ring"] == "auto" && $column["workload.turns.0.prompt"] ~ /^(3200|12800)$/ {
        printf "%s ", $column["ring"] }' shipped-pass-kv-or-pass-q/sweep.csv)
if [ "$rings" != 'pass-Q pass-KV ' ]; then
    echo "auto: '$rings'"
    failures=$((failures + 1))
fi

finish
