#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Figures that pages say in sentences are those of today: the rows and medians of README.md's kernels, the
# knee of decode in docs/sweeps.md; and README.md says of speed what docs/performance.md says.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"
silicon=$source/tests/validation/silicon
"$cpsim" compare "$silicon"/h100_{gemm,experts,attention_prefill,attention_heads,attention_decode,attention_decode_heads}.csv \
    --gpu "$source/platforms/gpus/h100-sxm.yaml" --json >kernels.json
"$cpsim" sweep "$source/scenarios/sweeps/decode-batch.yaml" -o decode -q
python3 - "$source" <<'PY' || failures=$((failures + 1))
import csv, json, pathlib, re, sys
source = pathlib.Path(sys.argv[1])
read = lambda name: re.sub(r"\s+", " ", (source / name).read_text(encoding="utf-8"))
readme, sweeps, speed = read("README.md"), read("docs/sweeps.md"), read("docs/performance.md")
classes = json.load(open("kernels.json"))["classes"]
medians = [100 * one["median"] for one in classes if one["count"] >= 20]
row = (f"| kernels of an H100: GEMMs in bf16 and fp8, of experts, attention | {sum(one['count'] for one in classes)} "
       f"| medians {min(medians):.1f} to {max(medians):.1f} % |")
points = {int(row["workload.batch"]): row for row in csv.DictReader(open("decode/sweep.csv", newline=""))}
tpot = {batch: 1e3 * float(row["tpot_seconds"]) for batch, row in points.items()}
rate = {batch: float(row["decode_tokens_per_second_per_gpu"]) for batch, row in points.items()}
knee = float(points[1]["decode_knee_sequences"])
sentence = (f"the knee is at {knee:.0f} sequences; 1 to 96 of them take TPOT from {tpot[1]:.1f} to {tpot[96]:.1f} ms and multiply "
            f"throughput by {rate[96] / rate[1]:.0f}, 96 to 288 take it to {tpot[288]:.1f} ms for {rate[288] / rate[96]:.1f} times as much.")
faults = [] if row in readme else [f"README.md should say: {row}"]
# Within a twentieth: a constant that moves a little does not make the sentence wrong.
shape = r"the knee is at (\S+) sequences; 1 to 96 of them .* from (\S+) to (\S+) ms and .* by (\S+), 96 to 288 .* to (\S+) ms for (\S+) times as much\."
said, true = (re.search(shape, text) for text in (sweeps, sentence))
if not said or any(abs(float(a) - float(b)) > 0.05 * float(b) for a, b in zip(said.groups(), true.groups())):
    faults.append(f"docs/sweeps.md should say: {sentence}")
calculon = re.findall(r"\| (?:Calculon's|ours)[^|]*\|[^|]*\|[^|]*\|[^|]*\|", sweeps)
if len(calculon) != 3 or any(row not in read("docs/peers.md") for row in calculon):
    faults.append("docs/peers.md should have the rows of docs/sweeps.md beside Calculon")
def two(seconds):
    return f"{float(seconds):.2g}"
for here, there in (("the main job: a conversation of a million tokens on 128 GPUs", "main job: a conversation, 128 GPUs"),
                    ("its prefill with every layer of every GPU played, 968,320 events", "its 1M prefill, every rank and layer"),
                    ("1,000,000 requests to 64 replicas", "1,000,000 requests on 64 replicas")):
    # The last row of that name: tables of ratios to another build stand before.
    said, kept = (re.findall(re.escape("| " + name + " |") + r" ([\d.]+) s", page)[-1:] for name, page in ((here, readme), (there, speed)))
    if not said or not kept or two(said[0]) != two(kept[0]):
        faults.append(f"README.md: '{here}' is not docs/performance.md's '{there}'")
said, kept = re.search(r"16,384 GPUs \| ([\d.]+) s", readme), re.search(r"16,384 GPUs in ([\d.]+) s", read("docs/training.md"))
if not said or not kept or said[1] != kept[1]:
    faults.append("README.md and docs/training.md differ in how long a training step of 16,384 GPUs takes to simulate")
said, kept = re.search(r"1,224 layouts [^|]*\| (\d+) s of CPU", readme), re.search(r"1,224 candidates, [^|]*\| (\d+) s of CPU", speed)
if not said or not kept or said[1] != kept[1]:
    faults.append("README.md and docs/performance.md differ in how long cpsim plan takes over 1,224 layouts")
print("\n".join(faults))
sys.exit(bool(faults))
PY
finish
