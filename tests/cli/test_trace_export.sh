#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim trace: slips of the fingers get an answer, results go where -o says, a failure leaves nothing.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
trace=$scratch/run.h5
"$cpsim" "$source/scenarios/one-gpu.yaml" -q -o "$trace"

expect 0 "/\"traceEvents\": \[/" "" "$cpsim" trace export "$trace" --format chrome
expect 0 "/^name,kind,turn,/" "" "$cpsim" trace export "$trace" --format csv --table phases
expect 0 "" "" "$cpsim" trace export "$trace" --format json -o "$scratch/run.json"
compare "export -o" "/\"cpsim_format\": \"1\.[0-9]+\"/" "$scratch/run.json"

expect 2 "" "cpsim: error: cpsim trace export needs --format; one of: chrome, csv, json, openmetrics, chakra" \
    "$cpsim" trace export "$trace"
expect 2 "" "cpsim: error: --format: there is no 'jsno' (did you mean 'json'?); one of: chrome, csv, json, openmetrics, chakra" \
    "$cpsim" trace export "$trace" --format jsno
expect 2 "" "/^cpsim: error: --format csv needs --table; one of: phases, operators, links, gpus/" \
    "$cpsim" trace export "$trace" --format csv -o "$scratch/none.csv"
expect 2 "" "/^cpsim: error: --table: there is no 'phase' \(did you mean 'phases'\?\); one of: phases, /" \
    "$cpsim" trace export "$trace" --format csv --table phase -o "$scratch/none.csv"
expect 2 "" "cpsim: error: --format chrome takes no --table: it is of the whole trace" \
    "$cpsim" trace export "$trace" --format chrome --table phases
expect 2 "" $'no.h5: error: cannot be read: No such file or directory\n1 error' \
    "$cpsim" trace export no.h5 --format json -o "$scratch/none.csv"
expect 2 "" "cpsim: error: cpsim trace has no 'exprot' (did you mean 'export'?); see cpsim trace --help" \
    "$cpsim" trace exprot "$trace"
expect 1 "" "$scratch/no/run.json: error: cannot be written: No such file or directory" \
    "$cpsim" trace export "$trace" --format json -o "$scratch/no/run.json"
if [ -e "$scratch/none.csv" ]; then
    echo "a refused export left a file"
    failures=$((failures + 1))
fi
finish
