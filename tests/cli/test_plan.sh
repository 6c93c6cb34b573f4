#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim plan equals an exhaustive search that knows nothing of its bounds: every candidate of a small
# space played at the rate asked for by cpsim sweep, the cheapest that keeps to the SLO picked by
# hand. The winner does what was promised; a plan that was killed goes on and ends the same.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
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
        'requests: 300' 'confirm_requests: 2000'
    cat axes.yaml
} >plan.yaml
{ printf '%s\n' 'schema: 1' 'base: base.yaml'; cat axes.yaml; } >sweep.yaml

expect 0 '/^the cheapest: tensor=/' '' "$cpsim" plan plan.yaml -o one -j 1
cp out one.out
expect 0 '*' '' "$cpsim" plan plan.yaml -o two -j 2
{ cat plan.yaml; echo 'prune: false'; } >whole.yaml
expect 0 '*' '' "$cpsim" plan whole.yaml -o whole
cmp one/plan.csv two/plan.csv || failures=$((failures + 1))
for plan in one whole; do grep -vE '^(#|title)' $plan/winner.yaml >$plan.yaml; done # how far it was sought
cmp one.yaml whole.yaml || failures=$((failures + 1))

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

# Done already: the same words and bytes, and nothing is run. --json says the same.
before=$(wc -c <one/points-0-of-1.journal)
expect 0 "$(cat one.out)" '' "$cpsim" plan plan.yaml -o one
cmp one/plan.csv two/plan.csv || failures=$((failures + 1))
[ "$(wc -c <one/points-0-of-1.journal)" = "$before" ]
"$cpsim" plan plan.yaml -o one --json >plan.json

# The winner is a scenario that runs as it is and does what was promised: at the rate, and at its
# capacity by the command in its comment.
expect 0 '/^goodput/' '' "$cpsim" one/winner.yaml
"$cpsim" one/winner.yaml --json >rate.json
eval "$(sed -n "s|^# cpsim winner.yaml|'$cpsim' one/winner.yaml --json|p" one/winner.yaml)" >capacity.json
cat >check.py <<'END'
import csv, json
plan = json.load(open("plan.json"))
rows = list(csv.DictReader(open("one/plan.csv")))
at_rate, at_capacity = (json.load(open(name + ".json"))["figures"] for name in ("rate", "capacity"))
winner = plan["winner"]
assert winner["state"] == "good" and plan["candidates"][winner["candidate"]] == winner
assert abs(winner["ttft_p99_seconds"] / at_rate["ttft_p99_seconds"] - 1) < 1e-9
assert abs(winner["tpot_p99_seconds"] / at_rate["tpot_p99_seconds"] - 1) < 1e-9
assert winner["capacity_requests_per_second"] > 4
assert at_capacity["ttft_p99_seconds"] <= 1 and at_capacity["tpot_p99_seconds"] <= 0.03
assert at_capacity["completed"] == at_capacity["requests"] and at_capacity["sustained"]
assert len(rows) == len(plan["candidates"]) == 14
assert sum(plan["given_up"].values()) == sum(row["state"] != "good" for row in rows)
assert [row["rule"] for row in rows] == [c["rule"] for c in plan["candidates"]]
assert winner["candidate"] in plan["cost_front"] and winner["confirmed"]
assert all(plan["candidates"][index]["confirmed"] for index in plan["cost_front"] + plan["speed_front"])
END
expect 0 '' '' "$python" check.py

# kill -9 at moments spread over the run, a torn record too; then once to the end.
for delay in 0.05 0.1 0.2 0.3; do
    "$cpsim" plan plan.yaml -o killed -j 2 >killed.out 2>&1 &
    process=$!
    sleep "$delay"
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
    journal=killed/points-0-of-1.journal
    if [ -s "$journal" ]; then
        head -c $(($(wc -c <"$journal") - 7)) "$journal" >torn && cp torn "$journal"
    fi
    rm -f killed/plan.csv killed/winner.yaml
done
expect 0 '*' '' "$cpsim" plan plan.yaml -o killed
for file in plan.csv winner.yaml; do
    cmp one/$file killed/$file || failures=$((failures + 1))
done
sed 's/rate: 4/rate: 5/' plan.yaml >other.yaml
expect 2 '' '/^one: error: holds the points of another plan, or of this one before it was changed/' \
    "$cpsim" plan other.yaml -o one

# A budget, and what the data sheet rules out before anything is simulated: 139 GB of bf16 weights on
# four GPUs, or half of it in fp8 on two, are 35 GB and 10.4 ms of reading at 3.35 TB/s; on two, 70 GB.
{ sed 's/tpot_p99: 30 ms/tpot_p99: 10 ms/' plan.yaml; echo 'budget: {gpus: 4}'; } >budget.yaml
expect 1 '/^ +8  too slow: reading the weights alone takes longer than the TPOT$/' '' \
    "$cpsim" plan budget.yaml -o budget
expect 1 '/^ +2  over the budget$/' '' "$cpsim" plan budget.yaml -o budget

{ cat plan.yaml; echo 'budget: {dollars_per_hour: 10}'; } >dollars.yaml # 2.50 a GPU: not TP8
expect 0 '/^ +2  over the budget$/' '' "$cpsim" plan dollars.yaml -o dollars

# Context parallelism, pools of prefill and decode, and policies are axes like any other.
cat >pools.yaml <<'YAML'
schema: 1
base: base.yaml
rate: 6 /s
slo: {ttft_p99: 1 s, tpot_p99: 30 ms}
requests: 200
confirm_requests: 2000
tolerance: 0.5
axes:
  grid: {layout.tensor: [4], layout.context: [1, 2], software.features: [[context, pools]]}
  list:
    - {layout.data: 1, workload.service.policy: chunked-prefill, workload.service.prefill_replicas: 0}
    - {layout.data: 2, workload.service.policy: prefill-first, workload.service.prefill_replicas: 0}
    - {layout.data: 2, workload.service.policy: disaggregated, workload.service.prefill_replicas: 1}
    - {layout.data: 3, workload.service.policy: disaggregated, workload.service.prefill_replicas: 1}
YAML
expect 0 '/^8 candidates/' '' "$cpsim" plan pools.yaml -o pools --set cluster.nodes=4
if [ "$(grep -c ',good,' pools/plan.csv)" -lt 6 ] || ! grep -q 'disaggregated.*,good,' pools/plan.csv; then
    cat pools/plan.csv
    failures=$((failures + 1))
fi

{ cat plan.yaml; echo 'budget: {gpus: 0, dolars_per_hour: 3}'; } >mistakes.yaml
expect 2 '' "mistakes.yaml:13:16: error: budget.gpus: 0 is out of range, expected 1 to 1_000_000_000
mistakes.yaml:13:19: error: unknown key 'dolars_per_hour' in budget (did you mean 'dollars_per_hour'?)
2 errors" "$cpsim" plan mistakes.yaml -o none

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

# Candidates alike but for a limit that no run meets are played once: each still has what a run of its
# own gives, to the last bit, however many processes play.
cat >alike-axes.yaml <<'YAML'
axes:
  grid:
    layout.tensor: [2, 4]
    layout.data: [1, 2]
    workload.service.max_sequences: [16, 48, 128, 512]
YAML
{ sed '/^axes:/,$d' plan.yaml; cat alike-axes.yaml; } >alike.yaml
{ printf '%s\n' 'schema: 1' 'base: base.yaml'; cat alike-axes.yaml; } >alike-sweep.yaml
for jobs in 1 4; do
    expect 0 '/simulations that answer for/' '' "$cpsim" plan alike.yaml -o "alike$jobs" -j "$jobs"
    grep simulations out >"alike$jobs.out"
done
cmp alike1/plan.csv alike4/plan.csv && cmp alike1.out alike4.out || failures=$((failures + 1))
"$cpsim" plan alike.yaml -o alike1 --json >alike.json
expect 0 '*' '' "$cpsim" sweep alike-sweep.yaml -o alike-all --set workload.arrivals.rate='4 /s' \
    --set workload.requests=300 --set workload.warm_up='15 s'
cat >alike.py <<'END'
import csv, json
rows, all_rows = (list(csv.DictReader(open(name + ".csv"))) for name in ("alike1/plan", "alike-all/sweep"))
shared = [candidate["shared"] for candidate in json.load(open("alike.json"))["candidates"]]
figures, compared = ("ttft_p99_seconds", "tpot_p99_seconds", "output_tokens_per_second"), 0
for row, alone, times in zip(rows, all_rows, shared, strict=True):
    keeps = alone["status"] == "done" and float(alone["ttft_p99_seconds"]) <= 1 and \
        float(alone["tpot_p99_seconds"]) <= 0.03 and alone["sustained"] == "1"
    assert keeps == (row["state"] == "good"), (row, alone)
    if keeps and row["confirmed"] == "0":
        assert all(row[figure] == alone[figure] for figure in figures), (row, alone)
        compared += times > 1 # the run at the rate was another's
assert compared > 0, "none were shared"
END
expect 0 '' '' "$python" alike.py
finish
