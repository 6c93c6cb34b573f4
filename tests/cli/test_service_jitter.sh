#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# GPUs that differ and drift (`jitter: true`) in a service: the tail moves more than the middle, since prompts meet the
# power limit; GPUs without spread and drift are the median run; the same seed is the same run.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
serve() {
    local keys=()
    for key in "${@:2}"; do keys+=(--set "$key"); done
    "$cpsim" run "$source/scenarios/serving-70b-chat.yaml" "${keys[@]}" --json >"$1"
}
serve off.json
serve on.json jitter=true
serve again.json jitter=true
serve alike.json jitter=true gpu.jitter.spread=0 gpu.jitter.drift=0
serve apart.json jitter=true gpu.jitter.spread=0.05 gpu.jitter.drift=0
cmp on.json again.json || failures=$((failures + 1))
"$python" - <<'END' || failures=$((failures + 1))
import json
off, on, alike, apart = (json.load(open(name + ".json"))["figures"] for name in ("off", "on", "alike", "apart"))
for name in ("ttft_p99_seconds", "tpot_p99_seconds", "e2e_p99_seconds", "ttft_p50_seconds"):
    assert alike[name] == off[name], name
def more(run, name):
    return run[name] / off[name] - 1
# Prompts at the limit: the drift's mean maximum of four GPUs, 1.03 deviations of 1.47 %, and the spread's draw; a
# tail that waits in a queue longer than that.
assert 0.015 < more(on, "ttft_p50_seconds") < 0.035, more(on, "ttft_p50_seconds")
assert more(on, "ttft_p99_seconds") > 1.5 * more(on, "ttft_p50_seconds"), more(on, "ttft_p99_seconds")
assert 0.01 < more(on, "tpot_p99_seconds") < 0.03, more(on, "tpot_p99_seconds")
# GPUs ten times as unlike: every step is slower, and the p99 most of all.
assert more(apart, "tpot_p50_seconds") > more(on, "tpot_p50_seconds"), more(apart, "tpot_p50_seconds")
assert more(apart, "ttft_p99_seconds") > more(on, "ttft_p99_seconds"), more(apart, "ttft_p99_seconds")
END
finish
