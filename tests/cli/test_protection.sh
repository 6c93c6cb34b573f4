#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of docs/serving.md on caches that outlive a GPU is what its scenario says today.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
for kind in none copy parity; do
    "$cpsim" "$source/scenarios/serving-gpu-failures.yaml" --set "workload.service.protection=$kind" --json >"$kind.json" 2>/dev/null
done
python3 - "$source/docs/serving.md" <<'PY' || failures=$((failures + 1))
import json, pathlib, re, sys
page = re.sub(r"\s+", " ", pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
def find(node, name):
    if isinstance(node, dict):
        if name in node:
            return node[name]
        node = list(node.values())
    for one in node if isinstance(node, list) else []:
        found = find(one, name)
        if found is not None:
            return found
    return None
faults = []
for kind in ("none", "copy", "parity"):
    figure = lambda name: find(json.load(open(kind + ".json")), name)
    kept = kind != "none"
    row = (f"| {kind} | " + (f"{100 * figure('protection_host_share'):.1f} % | {1e3 * figure('protection_chunk_seconds'):.2f} ms | "
                             f"{1e3 * figure('recovery_mean_seconds'):.1f} ms | " if kept else "| | | ")
           + f"{figure('retries')} | {figure('ttft_p90_seconds'):.2f} s | {figure('e2e_p99_seconds'):.1f} s |")
    if row not in page:
        faults.append(f"docs/serving.md should say: {row}")
print("\n".join(faults))
sys.exit(bool(faults))
PY
finish
