#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sweeps that are killed or run twice: workers die with their parent, a folder has one worker at a
# time and says whose, and what is run again leaves the same bytes and no litter.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
complain() {
    echo "$*"
    failures=$((failures + 1))
}
litter() { find "$1" \( -name '*.part' -o -name '*.lock' -o -name '*.live' -o -name '*.h5.*' \); }

cp "$source/scenarios/one-gpu.yaml" s.yaml
cat >sweep.yaml <<END
schema: 1
base: s.yaml
traces: true
axes: {grid: {seed: [$(seq -s, 40)]}}
END
"$cpsim" check s.yaml >log
"$cpsim" sweep sweep.yaml -o whole -q -j 2 || complain "the sweep does not run"

# --- killed at any moment, and run again ---
for round in 1 2 3 4 5 6; do
    "$cpsim" sweep sweep.yaml -o "k$round" -q -j 2 2>log &
    parent=$!
    for _ in $(seq 200); do
        [ -e "k$round/points-0-of-1.journal" ] && break
        sleep 0.02
    done
    sleep "0.$round"
    workers=$(pgrep -P $parent | tr '\n' ' ') || true
    kill -9 $parent 2>log || true
    wait $parent 2>log || true
    # The kernel ends the workers with their parent; a moment for it to do so.
    for _ in $(seq 50); do
        alive=
        for worker in $workers; do
            [ ! -d "/proc/$worker" ] || grep -q '^State:.Z' "/proc/$worker/status" 2>log || alive="$alive $worker"
            # Whose first thread has ended may hold the lock while another ends.
            [ "$(find "/proc/$worker/task" -mindepth 1 -maxdepth 1 2>log | wc -l)" -le 1 ] || alive="$alive $worker"
        done
        [ -n "$alive" ] || break
        sleep 0.01
    done
    [ -z "$alive" ] || complain "workers outlive their parent: $alive"
    "$cpsim" sweep sweep.yaml -o "k$round" -q -j 2 || complain "the sweep does not go on"
    [ "$(litter "k$round")" = "" ] || complain "litter: $(litter "k$round")"
    for file in sweep.csv sweep.h5 traces/000017.h5; do
        cmp "whole/$file" "k$round/$file" || complain "other bytes after a kill"
    done
    rm -r "k$round"
done

# --- two on one folder: the second is told whose it is ---
sed "s/^axes:.*/axes: {grid: {seed: [$(seq -s, 400)]}}/" sweep.yaml >long.yaml
"$cpsim" sweep long.yaml -o both -q -j 1 2>first.err &
parent=$!
for _ in $(seq 300); do
    grep -qs process both/points-0-of-1.lock && break
    sleep 0.02
done
expect 2 "" "/^both: error: process $parent on .* is at work on it .both.points-0-of-1.lock.; wait until/" \
    "$cpsim" sweep long.yaml -o both -q -j 1
# Shards have locks of their own.
expect 0 "" "" "$cpsim" sweep long.yaml -o both -q -j 1 --shard 7/300
kill -9 $parent
wait $parent 2>log || true
# A crash frees it: nothing is to be removed by hand.
timeout -s INT 1 "$cpsim" sweep long.yaml -o both -q -j 1 2>again.err || status=$?
[ "${status:-0}" = 130 ] || [ "${status:-0}" = 124 ] || complain "after a crash: status ${status:-0}, $(cat again.err)"
if grep -q 'is at work' again.err; then
    complain "a dead process holds the folder"
fi
[ ! -e both/points-0-of-1.lock ] || complain "a lock is left"

# --- a failed --watch leaves no FILE.live ---
expect 1 "" "/File too large/" bash -c 'ulimit -f 8; exec "$@"' sh "$cpsim" s.yaml -o w.h5 --watch
[ "$(find . -maxdepth 1 -name 'w.h5*')" = "" ] || complain "left: $(echo w.h5*)"
finish
