#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is written: by several at once, over what was read, on a full disk, into a closed stream. A
# file that is there is whole and is what it was, or what was asked for.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"

complain() {
    echo "$*"
    failures=$((failures + 1))
}

# only FILE...: nothing else is left here.
only() {
    local left
    left=$(find . -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vxE 'out|err' | sort | tr '\n' ' ')
    [ "$left" = "$* " ] || complain "left are '$left', expected '$*'"
}

cp "$source/scenarios/train-two-gpus.yaml" s.yaml

# --- several writers of one file: the last wins, whole, and no part file stays ---
"$cpsim" s.yaml -q -o alone.h5
for _ in 1 2 3 4 5; do
    for i in 1 2 3; do
        "$cpsim" s.yaml -q -o t.h5 2>"err.$i" &
    done
    wait
    [ "$(cat err.?)" = "" ] || complain "runs at once: $(cat err.?)"
    cmp -s t.h5 alone.h5 || complain "a trace that several wrote is not one run's"
    rm -f t.h5 err.?
done
only alone.h5 s.yaml

# A dead writer's part file gives way; a file that is not ours, and one that is being written, stay.
head -c 3000 alone.h5 >t.h5.part
"$cpsim" s.yaml -q -o t.h5
only alone.h5 s.yaml t.h5
echo mine >t.h5.part
"$cpsim" s.yaml -q -o t.h5
[ "$(cat t.h5.part)" = mine ] || complain "somebody's file is gone"
rm t.h5.part t.h5
head -c 3000 alone.h5 >t.h5.part
exec 9<t.h5.part
flock -x 9
"$cpsim" s.yaml -q -o t.h5
[ "$(wc -c <t.h5.part)" = 3000 ] || complain "a part file that is held was taken away"
exec 9<&-
rm t.h5.part t.h5

# --- an output that is an input ---
ln -s s.yaml soft.yaml
ln s.yaml hard.yaml
mkdir folder
ln -s ../s.yaml folder/far.yaml
cp s.yaml kept.yaml
own='s.yaml: error: cannot be written: it is an input of this run; name another file
1 error'
for command in run show; do
    expect 2 "" "$own" "$cpsim" $command s.yaml -o s.yaml
    for other in soft.yaml hard.yaml folder/far.yaml ./s.yaml; do
        expect 2 "" "/^$other: error: cannot be written: it is the same file as s.yaml, an input of/" \
            "$cpsim" $command s.yaml -o "$other"
    done
done
# What the scenario names is an input as well.
cp "$source/platforms/gpus/h100-sxm.yaml" my-gpu.yaml
sed 's/^title:.*/&\ngpu: my-gpu/' s.yaml >with-gpu.yaml
expect 2 "" "/^my-gpu.yaml: error: cannot be written: it is an input/" \
    "$cpsim" with-gpu.yaml -o my-gpu.yaml
expect 2 "" "/^my-gpu.yaml: error: cannot be written: it is an input/" \
    "$cpsim" show with-gpu.yaml --set trace.file=x.h5 -o my-gpu.yaml
cmp s.yaml kept.yaml
cmp my-gpu.yaml "$source/platforms/gpus/h100-sxm.yaml"
cp alone.h5 t.h5
for format in chrome json; do
    expect 2 "" "/^t.h5: error: cannot be written: it is an input/" \
        "$cpsim" trace export t.h5 --format $format -o t.h5
done
cmp t.h5 alone.h5
# One of several files that a format writes.
cp alone.h5 u.1.et
expect 2 "" "/^u.1.et: error: cannot be written: it is an input/" \
    "$cpsim" trace export u.1.et --format chakra -o u
cmp u.1.et alone.h5
rm u.*
# A part file's own name: what is read there does not give way.
cp alone.h5 u.h5.part
"$cpsim" trace export u.h5.part --format json -o u.h5
cmp u.h5.part alone.h5
rm u.h5 u.h5.part
table=$source/tests/validation/silicon/h100_memory.csv
cp "$table" l.csv
for option in --csv -o; do
    expect 2 "" "/^l.csv: error: cannot be written: it is an input/" \
        "$cpsim" compare l.csv --gpu h100-sxm $option l.csv
done
expect 2 "" "/^l.csv: error: cannot be written: it is an input/" "$cpsim" calibrate l.csv -o l.csv
expect 2 "" "/^my-gpu.yaml: error: cannot be written: it is the same file as .*, an input/" \
    "$cpsim" calibrate l.csv --base ./my-gpu.yaml -o my-gpu.yaml
cmp l.csv "$table"
expect 2 "" "/platforms.gpus.h100-sxm.yaml: error: cannot be written: it is an input/" \
    "$cpsim" platforms -o "$source/platforms/gpus/h100-sxm.yaml"
# A sweep's results, when the sweep file has their name; a plan that starts from its own winner.
mkdir results
cat >results/sweep.csv <<END
schema: 1
base: ../s.yaml
axes: {grid: {seed: [1]}}
END
cp results/sweep.csv sweep.kept
expect 2 "" "/^results.sweep.csv: error: cannot be written: it is an input/" \
    "$cpsim" sweep results/sweep.csv -o results
cmp results/sweep.csv sweep.kept
rm -r results sweep.kept folder t.h5 l.csv my-gpu.yaml with-gpu.yaml soft.yaml hard.yaml kept.yaml
only alone.h5 s.yaml

# --- whole or not at all ---
# The file's size is limited (ulimit -f: KiB): what was there stays, and nothing else.
# shellcheck disable=SC2317 # called by expect
small() {
    (
        ulimit -f 1
        exec "$@"
    )
}
echo before >y.yaml
expect 1 "" "/^y.yaml: error: cannot be written: File too large$/" small "$cpsim" show s.yaml -o y.yaml
[ "$(cat y.yaml)" = before ] || complain "a file that could not be written is not what it was"
expect 1 "" "/error: .*File too large; raise the limit on file sizes/" small "$cpsim" s.yaml -o x.h5
# shellcheck disable=SC2317
larger() {
    (
        ulimit -f 8
        exec "$@"
    )
}
expect 1 "" "/^x.h5: error: cannot write the trace .*File too large; raise the limit/" \
    larger "$cpsim" s.yaml -o x.h5
expect 1 "" "/^x.json: error: cannot be written: File too large$/" \
    small "$cpsim" trace export alone.h5 --format json -o x.json
expect 1 "" "/^x.0.et: error: cannot be written: File too large$/" \
    small "$cpsim" trace export alone.h5 --format chakra -o x
rm -f x.groups.json
expect 1 "" "/x.csv: error: cannot be written: File too large$/" \
    small "$cpsim" compare "$table" --gpu h100-sxm --csv x.csv
cat >sweep.yaml <<END
schema: 1
base: s.yaml
axes: {grid: {seed: [1, 2]}}
END
expect 1 "" "/: error: cannot be written: File too large; what it holds stays good/" \
    small "$cpsim" sweep sweep.yaml -o swept -q
expect 0 "" "" "$cpsim" sweep sweep.yaml -o swept -q
[ "$(find swept -name '*.part' -o -name '*.lock')" = "" ] || complain "litter in the sweep's folder"
rm -r swept
# Points that found the disk full stay failed, and are told how they run again.
echo 'traces: true' >>sweep.yaml
# shellcheck disable=SC2317
halves() {
    (
        ulimit -f 64
        exec "$@"
    )
}
expect 1 "" "/File too large; raise the limit/" halves "$cpsim" sweep sweep.yaml -o swept
expect 1 "/^2 failed; the first is point 0: .*File too large; .*; --retry-failed runs such points again$/" "" \
    "$cpsim" sweep sweep.yaml -o swept
expect 0 "/^2 of 2 points done$/" "" "$cpsim" sweep sweep.yaml -o swept --retry-failed
rm -r swept sweep.yaml
# Permissions stay, links are followed, devices and pipes are written to.
chmod 640 y.yaml
ln -s y.yaml link.yaml
"$cpsim" show s.yaml -o link.yaml
[ "$(stat -c %F link.yaml) $(stat -c %a y.yaml)" = "symbolic link 640" ] || complain "a link or its file's mode is gone"
"$cpsim" show s.yaml >shown
cmp shown y.yaml
"$cpsim" show s.yaml -o /dev/stdout | cmp - shown
expect 1 "" "/^.dev.full: error: cannot be written: No space left on device$/" \
    "$cpsim" show s.yaml -o /dev/full
mkdir there
expect 1 "" "/^there: error: cannot be written: Is a directory$/" "$cpsim" show s.yaml -o there
rm -r there link.yaml y.yaml shown
only alone.h5 s.yaml

# --- stdout full or closed: 1, whatever was printed ---
# shellcheck disable=SC2317 # called by expect
full() { "$@" >/dev/full; }
# shellcheck disable=SC2317
closed() { "$@" >&-; }
for arguments in "check s.yaml" --version --help "run --help" "s.yaml" "show s.yaml" "describe" "models" \
    "platforms" "trace check alone.h5" "trace export alone.h5 --format json" "compare"; do
    # shellcheck disable=SC2086 # words
    expect 1 "" "/^stdout: error: cannot be written: No space left on device$/" full "$cpsim" $arguments
    # shellcheck disable=SC2086
    expect 1 "" "/^stdout: error: cannot be written: Bad file descriptor$/" closed "$cpsim" $arguments
done
# With stdout closed, what is printed does not go into the file that is opened next.
closed "$cpsim" s.yaml -o t.h5 2>/dev/null || true
cmp t.h5 alone.h5
finish
