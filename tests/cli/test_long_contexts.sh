#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of docs/long-contexts.md, and its sentence on DeepSeek, are what the scenario says today.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
scenario=$source/scenarios/ten-million-tokens.yaml
for ring in pass-kv pass-q all-gather tree; do
    "$cpsim" "$scenario" --set "attention.ring=$ring" --json >"$ring.json" 2>/dev/null
done
for model in deepseek-v3 deepseek-v3.2; do
    "$cpsim" "$scenario" --set "model.use=$model" --set precision=fp8 --set cluster.use=hgx-h200 --set layout.tensor=16 \
        --set layout.context=16 --json >"$model.json" 2>/dev/null
done
python3 - "$source/docs/long-contexts.md" <<'PY' || failures=$((failures + 1))
import json, pathlib, re, sys
page = re.sub(r"\s+", " ", pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
def figures(name):
    phases = json.load(open(name + ".json"))["phases"]
    prefills = [phase["seconds"] for phase in phases if phase["phase"] == "prefill"]
    return prefills[0], prefills[-1], sum(prefills), 1e3 * phases[-1]["tpot_seconds"]
def three(value):
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}"
faults = []
for ring in ("pass-kv", "pass-q", "all-gather", "tree"):
    first, last, whole, tpot = map(three, figures(ring))
    row = f"| {ring} | {first} s | {last} s | {whole} s | {tpot} ms |"
    if row not in page:
        faults.append(f"docs/long-contexts.md should say: {row}")
dense, sparse = figures("deepseek-v3"), figures("deepseek-v3.2")
for sentence in (f"DeepSeek-V3 takes {three(dense[2])} s and {three(dense[3])} ms, DeepSeek-V3.2 {three(sparse[2])} s and {three(sparse[3])} ms",
                 f"decode is {dense[3] / sparse[3]:.1f} times faster",
                 f"Trees take {figures('pass-kv')[3] / figures('tree')[3]:.1f} times less"):
    if sentence not in page:
        faults.append(f"docs/long-contexts.md should say: {sentence}")
print("\n".join(faults))
sys.exit(bool(faults))
PY
# One prompt in a step has nobody beside it: mixed is Algorithm 5.
for rule in mixed algorithm-5; do
    "$cpsim" run "$source/scenarios/llama405b.yaml" --json --set "attention.ring=$rule" -o "$rule.h5" | sed '/"trace"/d; /mixed/d; /algorithm-5/d' >"$rule.same"
done
expect 0 '' '' diff mixed.same algorithm-5.same
finish
