#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim plan equals an exhaustive search that knows nothing of its bounds: every candidate of a small
# space played at the rate asked for by cpsim sweep, the cheapest that keeps to the SLO picked by
# hand.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
cp "$source/scenarios/serving-70b-chat.yaml" base.yaml
cat >axes.yaml <<'YAML'
axes:
  grid:
    layout.tensor: [1, 2, 4, 8]
    precision: [bf16, fp8-tensor]
    workload.service.max_sequences: [8, 64]
where: [not (tensor == 8 and max_sequences == 8)]
YAML
{
    printf '%s\n' 'schema: 1' 'base: base.yaml' 'rate: 4 /s' 'slo: {ttft_p99: 1 s, tpot_p99: 30 ms}' \
        'requests: 300'
    cat axes.yaml
} >plan.yaml
{ printf '%s\n' 'schema: 1' 'base: base.yaml'; cat axes.yaml; } >sweep.yaml

expect 0 '/^the cheapest: tensor=/' '' "$cpsim" plan plan.yaml -o one -j 1
expect 0 '*' '' "$cpsim" plan plan.yaml -o two -j 2
{ cat plan.yaml; echo 'prune: false'; } >whole.yaml
expect 0 '*' '' "$cpsim" plan whole.yaml -o whole
cmp one/plan.csv two/plan.csv || failures=$((failures + 1))
cmp one/winner.yaml whole/winner.yaml || failures=$((failures + 1))

# The same runs, 300 requests of which the first fifth (15 s at 4 a second) warms up.
expect 0 '*' '*' "$cpsim" sweep sweep.yaml -o all --set workload.arrivals.rate='4 /s' \
    --set workload.requests=300 --set workload.warm_up='15 s'
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["status"] == "done" && $column["ttft_p99_seconds"] <= 1 &&
    $column["tpot_p99_seconds"] <= 0.03 && $column["sustained"] == 1 && $column["completed"] == 300 {
        print $column["layout.tensor"] }' all/sweep.csv | sort -n | head -n 1 >cheapest
planned=$(awk '/^layout:/ { inside = 1 } inside && $1 == "tensor:" { print $2; exit }' one/winner.yaml)
if [ -z "$planned" ] || [ "$planned" != "$(cat cheapest)" ]; then
    echo "plan: tensor $planned; exhaustive search: $(cat cheapest)"
    failures=$((failures + 1))
fi

# The winner is a scenario that runs as it is.
expect 0 '/^goodput/' '' "$cpsim" one/winner.yaml

# Nothing will do: said so, exit 1, no winner.
sed 's/tpot_p99: 30 ms/tpot_p99: 1 ms/' plan.yaml >hopeless.yaml
expect 1 '/^no candidate carries the rate; add GPUs, allow more latency, or try fp8$/' '' \
    "$cpsim" plan hopeless.yaml -o hopeless
[ ! -e hopeless/winner.yaml ]
sed 's/rate: 4/rat: 4/; s/ttft_p99: 1 s/ttft_p99: 1/' plan.yaml >mistakes.yaml
expect 2 '' "mistakes.yaml:1:1: error: missing required key 'rate'; expected a number per second such as 4 /s
mistakes.yaml:3:1: error: unknown key 'rat' (did you mean 'rate'?)
mistakes.yaml:4:17: error: slo.ttft_p99: '1' needs a unit; expected a time such as 40 us
3 errors" "$cpsim" plan mistakes.yaml -o none
finish
