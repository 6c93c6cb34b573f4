#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What others wrote, on its way to a terminal: titles, keys, names of files and words of the command
# line with escapes in them are shown by number. Names that are no UTF-8 make valid JSON.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
esc=$'\e[31m' c1=$'\u009b31m' bad=$'\xff'

# safe command...: whatever it answers, no byte of it steers a terminal, and all of it is UTF-8.
safe() {
    "$@" >out 2>err </dev/null || [ $? -le 2 ] || echo "$*: exit status $?"
    if [ ! -s out ] && [ ! -s err ]; then
        echo "$*: says nothing"
        failures=$((failures + 1))
    fi
    if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' out err; then
        echo "$*: control characters"
        failures=$((failures + 1))
    fi
    if ! iconv -f UTF-8 -t UTF-8 out err >utf8 2>&1; then
        echo "$*: no UTF-8"
        failures=$((failures + 1))
    fi
}

name="s$esc$c1$bad.yaml"
sed '/^title:/d' "$source/scenarios/one-gpu.yaml" >"$name"
expect 0 's\u001b[31m\u009b31m\xff.yaml: ok' "" "$cpsim" check "$name"
for arguments in "" "--json" "-o t$esc$bad.h5"; do
    # shellcheck disable=SC2086 # words
    safe "$cpsim" "$name" $arguments
done
for command in check show roofline; do
    safe "$cpsim" "$command" "$name"
done
safe "$cpsim" show "$name" --json
safe "$cpsim" trace check "t$esc$bad.h5"
safe "$cpsim" trace export "t$esc$bad.h5" --format json
safe "$cpsim" trace check "none$esc$bad"
safe "$cpsim" trace "$esc" t.h5
safe "$cpsim" trace export "t$esc$bad.h5" --format "$esc$bad"
safe "$cpsim" trace export "t$esc$bad.h5" --format csv --table "$esc$bad"
safe "$cpsim" "$esc$bad"
safe "$cpsim" run --"$esc$bad"
safe "$cpsim" check a "b$esc" "c$bad"
safe "$cpsim" describe "$esc$bad"
safe "$cpsim" show "$name" --set "layout.ten$esc$bad=4"
safe "$cpsim" show "$name" --set "layout.tensor=$esc$bad"
safe "$cpsim" show "$name" -o "none$esc/$bad"
safe "$cpsim" "$name" -o "none$esc/$bad"
safe "$cpsim" "$name" -o "$name"
safe "$cpsim" sweep "$name" -o "none$esc" -j "$esc$bad"
safe "$cpsim" sweep "$name" -o "none$esc" --shard "$esc$bad"
safe "$cpsim" sweep merge "none$esc$bad"
printf 'schema: 1\n"lay\\eout\\x9b\\u2028": 1\ntitle: "x\\e]0;owned\\a"\nmodel: "\\e[2J"\nworkload: {kind: "\\e[H"}\n' >keys.yaml
safe "$cpsim" check keys.yaml
cp "$source/tests/validation/silicon/h100_memory.csv" "rows$esc$bad.csv"
safe "$cpsim" compare "rows$esc$bad.csv" --gpu h100-sxm
printf 'a%s,b%s\n1,2\n' "$esc" "$bad" >"kind$esc.csv"
safe "$cpsim" compare "kind$esc.csv"
printf 'schema: 1\nbase: "%s"\ntitle: "\\e[1mall"\naxes: {grid: {seed: [1]}}\n' one.yaml >sweep.yaml
sed 's/^title:.*/title: "\\e[31mred"/' "$source/scenarios/one-gpu.yaml" >one.yaml
safe "$cpsim" sweep sweep.yaml -o "swept$esc$bad"

"$cpsim" compare "rows$esc$bad.csv" --gpu h100-sxm --json >rows.json
"$cpsim" "$name" --json >one.json
"$cpsim" show "$name" --json >show.json
"$cpsim" trace export "t$esc$bad.h5" --format json >trace.json
"$cpsim" trace export "t$esc$bad.h5" --format chrome >chrome.json
for file in *.json; do
    iconv -f UTF-8 -t UTF-8 "$file" >utf8 || failures=$((failures + 1))
    python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$file" || failures=$((failures + 1))
done
finish
