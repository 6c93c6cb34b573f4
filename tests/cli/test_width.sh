#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What cpsim prints for people fits a terminal of 80 columns: every scenario, sweep and plan that comes
# with it, lists, rooflines, comparisons and help; wider where --width or COLUMNS says so. Sweeps and
# plans are the shipped ones with fewer points, whose columns and words are the same.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
unset COLUMNS
cd "$scratch"

# fits WIDTH command...: says something, no line of it wider, none with a space behind it.
fits() {
    local width=$1
    shift
    "$@" >out 2>err </dev/null || [ $? -eq 1 ] || cat err
    if [ ! -s out ]; then
        echo "$*: prints nothing: $(head -3 err)"
        failures=$((failures + 1))
    fi
    LC_ALL=C.UTF-8 awk -v what="$*" -v width="$width" \
        'length($0) > width || / $/ { print what ": " length($0) " columns: " $0; bad = 1 } END { exit bad }' out ||
        failures=$((failures + 1))
}

for scenario in "$source"/scenarios/*.yaml; do
    fits 80 "$cpsim" "$scenario" -o run.h5 --plot
    grep -q '^workload' "$scenario" && grep -q 'kind: conversation' "$scenario" && fits 80 "$cpsim" roofline "$scenario"
done
for sweep in "$source"/scenarios/sweeps/*.yaml; do
    fits 80 "$cpsim" sweep "$sweep" -o "$(basename "$sweep" .yaml)"
done
# One layout, at a rate that it carries: every line of the report in a second.
for plan in "$source"/scenarios/plans/*.yaml; do
    sed -E "s,^base: ,base: $source/scenarios/plans/,; s/^rate: .*/rate: 1 \/s/; s/^requests: .*/requests: 300/" "$plan" |
        sed '/^axes:/,$d' >plan.yaml
    case $plan in # of training: one layout of many thousands
    */train-*) printf 'axes:\n  layout.tensor: [8]\n  layout.pipeline: [8]\n' ;;
    */long-prompt-405b*) printf 'axes:\n  grid:\n    layout.tensor: [8]\n    layout.context: [1, 4]\n' ;;
    *) printf 'axes:\n  grid:\n    layout.tensor: [4, 8]\n    layout.data: [1, 2]\n' ;;
    esac >>plan.yaml
    fits 80 "$cpsim" plan plan.yaml -o "plan-$(basename "$plan" .yaml)"
done
# With every column that a table of layouts may have.
cat >plan.yaml <<EOF
schema: 1
base: $source/scenarios/train-deepseek-v3.yaml
axes:
  layout.tensor: [1]
  layout.context: [1, 2]
  layout.expert: [16, 32]
  layout.pipeline: [8]
  workload.recompute: [none, full]
EOF
fits 80 "$cpsim" plan plan.yaml -o plan-experts
grep -Eq '^ *step +MFU +memory +TP +CP +EP +PP +DP +VS +MB +schedule +recompute +shard$' out || {
    echo "plan-experts: no row of all columns"
    failures=$((failures + 1))
}
for command in models platforms scenarios describe "describe figures" "describe workload" compare --help; do
    # shellcheck disable=SC2086 # words
    fits 80 "$cpsim" $command
done
for command in run check show describe roofline sweep plan trace compare calibrate models platforms scenarios; do
    fits 80 "$cpsim" "$command" --help
done
fits 80 "$cpsim" models llama3-8b
fits 80 "$cpsim" compare "$source"/tests/validation/silicon/h100_gemm.csv --gpu h100-sxm

# Wider where one asks: then the same words stand on fewer lines.
"$cpsim" "$source/scenarios/serving-70b-chat.yaml" -o run.h5 >narrow
fits 100 "$cpsim" "$source/scenarios/serving-70b-chat.yaml" -o run.h5 --width 100
cp out wide
COLUMNS=100 "$cpsim" "$source/scenarios/serving-70b-chat.yaml" -o run.h5 >environment
compare "COLUMNS=100" "$(cat wide)" environment
if [ "$(wc -l <wide)" -ge "$(wc -l <narrow)" ] || [ "$(tr -s ' \n' '\n' <wide)" != "$(tr -s ' \n' '\n' <narrow)" ]; then
    echo "100 columns: not the words of 80 on fewer lines"
    failures=$((failures + 1))
fi
COLUMNS=20 expect 0 "*" "" "$cpsim" "$source/scenarios/serving-70b-chat.yaml" -o run.h5
compare "COLUMNS=20" "$(cat narrow)" out
expect 2 "" "cpsim: error: --width: tables need 80 columns or more" "$cpsim" models --width 40
finish
