# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests of the command line, sourced: a scratch directory, and one function to run and compare.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset CPSIM_PATH NO_COLOR
export COLUMNS=1000         # a line of a summary is one line here; test_width has terminals' own
export CPSIM_PROGRESS=never # a slow machine's progress lines are no part of what is compared
failures=0

# release_only CPSIM: ends a test that builds or packs the whole program, which one build's tests do.
release_only() {
    case $1 in
    */release/*) ;;
    *)
        echo "skipped: the tests of build/release do this"
        exit 77
        ;;
    esac
}

# expect STATUS STDOUT STDERR command...: STDOUT and STDERR are the exact texts; "*" is any text but
# none, "" is none; a text in /slashes/ is a pattern that one line must match.
expect() {
    local status=$1 out=$2 err=$3 got=0
    shift 3
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || got=$?
    if [ "$got" != "$status" ]; then
        echo "$*: exit status $got, expected $status"
        failures=$((failures + 1))
    fi
    compare "$*: stdout" "$out" "$scratch/out"
    compare "$*: stderr" "$err" "$scratch/err"
}

compare() {
    local what=$1 expected=$2 file=$3
    case $expected in
    '*') if [ -s "$file" ]; then return; fi ;;
    /*/) if grep -qE -- "${expected:1:-1}" "$file"; then return; fi ;;
    *) if [ "$(cat "$file")" = "$expected" ]; then return; fi ;;
    esac
    echo "$what: expected"
    echo "$expected"
    echo "got"
    head -n 20 "$file"
    failures=$((failures + 1))
}

finish() {
    exit "$((failures > 0))"
}
