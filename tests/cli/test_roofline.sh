#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim roofline: the shares of a phase add up to its step, nothing beats its peak, --set counts, and
# what a phase is bound by is what one expects of it.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)

expect 0 "/^Why: .* of the step; .* By bound: compute [0-9.]+ %, memory/" "" \
    "$cpsim" roofline "$source/scenarios/llama405b.yaml"
[ ! -e llama405b.h5 ] || { echo "roofline wrote a trace"; exit 1; }
expect 2 "" "/error: layout.tensor: /" "$cpsim" roofline "$source/scenarios/one-gpu.yaml" --set layout.tensor=0
expect 2 "" "/has no option '--csv'/" "$cpsim" roofline "$source/scenarios/one-gpu.yaml" --csv a

for scenario in llama405b one-gpu; do
    "$cpsim" roofline "$source/scenarios/$scenario.yaml" --json -o "$scenario.json"
done
cat >check.py <<'END_PY'
import json
for name in ("llama405b", "one-gpu"):
    for phase in json.load(open(name + ".json"))["phases"]:
        operators = phase["operators"]
        total = sum(o["seconds"] for o in operators)
        assert abs(total / phase["step_seconds"] - 1) < 1e-6, (name, total, phase["step_seconds"])
        assert abs(sum(phase["seconds_by_bound"].values()) / phase["step_seconds"] - 1) < 1e-6
        times = [o["seconds"] for o in operators]
        assert times == sorted(times, reverse=True)
        for o in operators:
            assert o.get("bound") != "compute" or o["peak_share"] <= 1, o
            assert o.get("bound") != "network" or o["peak_share"] <= 1, o
        first = operators[0]
        if name == "one-gpu":  # 32 x 2000 tokens compute; a token each reads the weights
            assert first["bound"] == ("compute" if phase["phase"] == "prefill" else "memory"), first
        elif phase["phase"] == "prefill" and phase["cached_tokens"] == 0:
            assert first["name"] == "attention" and first["share"] > 0.5, first
            assert [o for o in operators if o["name"] == "ring hop"][0]["hidden_seconds"] > 0
END_PY
expect 0 "" "" "$python" check.py

# Experts over two nodes: what leaves a node counts against the card, the rest against NVLink. Over
# the clock that the data sheet counts by a product may pass its peak, and that is said.
"$cpsim" roofline "$source/scenarios/decode-experts.yaml" --json -o experts.json
expect 0 "" "" "$python" -c '
import json
shares = [o["peak_share"] for p in json.load(open("experts.json"))["phases"] for o in p["operators"] if o.get("bound") == "network"]
assert shares and max(shares) > 0.5 and max(shares) <= 1, shares'
expect 0 "/^Over 100 %: the peak is the data sheet.s, at 1.83 GHz; the clock goes up to 1.98 GHz\.$/" "" \
    "$cpsim" roofline "$source/scenarios/precision-405b.yaml"

# Services and training have no phases to take apart.
for scenario in serving-70b-chat train-llama3-405b; do
    expect 2 "" "/error: a roofline is drawn of a conversation's phases, and this workload has none; .*/" \
        "$cpsim" roofline "$source/scenarios/$scenario.yaml"
done
finish
