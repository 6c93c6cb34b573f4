#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A GPU and a cluster of one's own by their data sheets: the forms read as they are printed, what is
# scaled is the measured GPU's where the sheets are alike, and every run says that nobody measured it.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
python=$("$source/tools/find-python.sh" json)
"$cpsim" describe gpu --from-data-sheet >my-gpu.yaml
"$cpsim" describe cluster --from-data-sheet >my-cluster.yaml
expect 0 "my-gpu.yaml: ok, for 'gpu:' in a scenario
my-cluster.yaml: ok, for 'cluster:' in a scenario" '' "$cpsim" check my-gpu.yaml my-cluster.yaml
expect 2 '' 'cpsim: error: --from-data-sheet goes with gpu or cluster: cpsim describe gpu --from-data-sheet' \
    "$cpsim" describe software --from-data-sheet

cat >talk.yaml <<'END'
schema: 1
model: llama3-70b
cluster: {use: dgx-h100, nodes: 2}
software: pytorch-nccl
layout: {tensor: 16}
workload: {kind: conversation, turns: [{prompt: 2000 tokens, output: 20 tokens}]}
END
# figure NAME --set ...
figure() {
    "$cpsim" talk.yaml --json "${@:2}" 2>/dev/null |
        "$python" -c "import json, sys; print(json.load(sys.stdin)['figures']['$1'])"
}
# same NAME SETTING: as with the GPU and the cluster that were measured.
same() {
    if [ "$(figure "$1")" != "$(figure "$1" --set "$2")" ]; then
        echo "$2: $1 is $(figure "$1" --set "$2"), not $(figure "$1")"
        failures=$((failures + 1))
    fi
}
# The form's numbers are an H100's and a DGX H100's; the clock that it runs at is above its rated one.
sed -i 's/^boost_clock: .*/boost_clock: 1.98 GHz\nrated_clock: 1.83 GHz/' my-gpu.yaml
for name in ttft_seconds tpot_seconds joules; do
    same $name gpu=my-gpu
    same $name 'cluster={use: my-cluster, nodes: 2}'
done
note="gpu 'my-gpu' is known by its data sheet alone: what its kernels take is h100-sxm's, scaled to it; nobody has measured it, its times are guesses"
expect 0 '*' "my-gpu.yaml:5:1: note: $note" "$cpsim" talk.yaml --set gpu=my-gpu
expect 0 "/\"$note\"/" '*' "$cpsim" talk.yaml --set gpu=my-gpu --json

# Twice the memory's rate, half the time of what it bounds, and the same share of the power limit.
sed 's/^memory_rate: .*/memory_rate: 6.7 TB\/s/' my-gpu.yaml >twice.yaml
"$cpsim" show talk.yaml --set gpu=twice >shown 2>/dev/null
grep -q 'swiglu_rate: 3.54 TB/s ' shown || failures=$((failures + 1))   # 1770 GB/s x 2
grep -q 'memory_joules_per_byte: 3.755e-11 ' shown || failures=$((failures + 1)) # 7.51e-11 / 2
grep -q 'swiglu_rate: .*of h100-sxm, scaled by the memory' shown || grep -q 'swiglu_rate: 3.54 TB/s .*h100-sxm.yaml' shown || failures=$((failures + 1))
grep -q 'memory_efficiency: 0.871 ' shown || failures=$((failures + 1))

# Those that come with cpsim, and their clusters.
for name in a100-sxm b200-sxm gb200 mi300x h20 l40s; do
    expect 0 '*' "/note: gpu '$name' is known by its data sheet alone: /" "$cpsim" talk.yaml --set gpu=$name --set layout.tensor=8
    grep -q 'never measured' "$source/platforms/gpus/$name.yaml" || failures=$((failures + 1))
done
for name in dgx-a100 dgx-b200 gb200-nvl72 mi300x-8 hgx-h20 l40s-8; do
    expect 0 '*' '/known by its data sheet alone/' "$cpsim" talk.yaml --set "cluster={use: $name, nodes: 2}" --set layout.tensor=8
done

# What is missing, and what has no effect.
sed '/^fabric/d' my-cluster.yaml >bare.yaml
expect 2 '' "bare.yaml:3:1: error: missing key 'cluster.connection_rate': expected a rate such as 36 GB/s, or fabric: infiniband (or roce, efa, tcp)
1 error" "$cpsim" check talk.yaml --set 'cluster={use: bare, nodes: 2}'
sed '/^link_rate/d' my-gpu.yaml >unlinked.yaml
sed 's/^gpu: .*/gpu: unlinked/' my-cluster.yaml >alone.yaml
expect 2 '' "/error: missing key 'cluster.node_rate': neither the cluster nor its GPU \(link_rate\) says how fast GPUs of a node are joined; expected a rate such as 450 GB\/s/" \
    "$cpsim" check talk.yaml --set 'cluster={use: alone, nodes: 2}'
expect 2 '' '/error: cluster.fabric: has no effect where the cluster says connection_rate; leave one of them out/' \
    "$cpsim" check talk.yaml --set cluster.fabric=tcp
sed '/^l2:/d' my-gpu.yaml >less.yaml
expect 2 '' "/error: missing required key 'gpu.l2'; expected a size in bytes such as 80 GB/" "$cpsim" check talk.yaml --set gpu=less

# How far it is off where it can be known: an H200, whose die is the measured one's.
sed 's/^memory_rate: .*/memory_rate: 4.8 TB\/s/; s/^memory: .*/memory: 141 GB/' my-gpu.yaml >h200-sheet.yaml
"$cpsim" compare "$source/tests/validation/silicon/h200x2_layers_tp2.csv" --gpu ./h200-sheet.yaml --cluster hgx-h200 --json >errors.json
"$python" - errors.json <<'END' || failures=$((failures + 1))
import json, sys
found = json.load(open(sys.argv[1]))
worst = max(abs(group["worst"]) for group in found["classes"])
if not 0.05 < worst < 0.15:
    sys.exit(f"an H200 by its data sheet is off by {worst:.3f} at worst, and docs/calibrate.md says 13 %")
END

finish
