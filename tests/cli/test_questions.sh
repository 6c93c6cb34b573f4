#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/questions and the tutorial: every command of theirs runs, but those that say they take minutes,
# which are read.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
ln -s "$source/scenarios" scenarios
mkdir bin
ln -s "$cpsim" bin/cpsim
export PATH=$scratch/bin:$PATH CPSIM_PATH=$source
ran=0
pages=("$source"/docs/questions/*.md "$source"/docs/tutorial.md)
for page in "${pages[@]}"; do
    # shellcheck disable=SC2016 # fences, no commands
    sed -n '/^```sh$/,/^```$/p' "$page" | grep -v '^```' >commands
    if grep -q '^# minutes$' commands; then # the line below it
        sed -n '/^# minutes$/{n;p}' commands | sed 's/^cpsim plan \([^ ]*\) .*/\1/' >plans
        while read -r plan; do
            [ -f "$plan" ] || { echo "$page: no $plan" && failures=$((failures + 1)); }
        done <plans
        sed -i '/^# minutes$/{N;d}' commands
    fi
    while read -r line; do
        if ! bash -c "$line" >out 2>err; then
            echo "$page: $line: $(cat err)"
            failures=$((failures + 1))
        fi
        ran=$((ran + 1))
    done <commands
done
[ "$ran" -ge 12 ] || { echo "only $ran commands were found" && failures=$((failures + 1)); }
# What they link to is there.
grep -oE '\]\([^)#]+' "${pages[@]}" "$source/docs/peers.md" | grep -v '](https*:' | sed 's/](//; s/:/ /' | while read -r page link; do
    [ -e "$(dirname "$page")/$link" ] || echo "$page: no $link"
done >missing
[ ! -s missing ] || { cat missing && failures=$((failures + 1)); }
finish
