#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_reference.sh WRITE_REFERENCE PAGE [--update]: the tables in docs/trace-format.md are those the
# program writes. A column added without its line in the page would be one nobody can look up.
set -euo pipefail
program=$1 page=$2
marker='<!-- From here on written by write_reference; see tests/trace/test_reference.sh. -->'

if ! grep -qxF -- "$marker" "$page"; then
    echo "$page: the line '$marker' is missing" >&2
    exit 1
fi
expected=$(mktemp)
trap 'rm -f "$expected"' EXIT
sed "/^$(sed 's/[][\/.*^$]/\\&/g' <<<"$marker")\$/q" "$page" >"$expected"
{
    echo
    "$program"
} >>"$expected"

if [ "${3-}" = --update ]; then
    cp "$expected" "$page"
elif ! diff -u --label "$page" --label 'what the tables say' "$page" "$expected"; then
    echo "bring it up to date: bash tests/trace/test_reference.sh $program $page --update" >&2
    exit 1
fi
