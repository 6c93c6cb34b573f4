#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Limits are said or are none: directories of CPSIM_PATH, ranks of a ring, idle years; and what can be
# said in a file can be said after --set and asked of cpsim describe.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"

# --- CPSIM_PATH: any number of directories, and the shipped files after them ---
path=
for i in $(seq 100); do
    mkdir "d$i"
    path=$path:$scratch/d$i
done
mkdir d100/models d100/models/llm
sed 's/^layers: .*/layers: 3/' "$source/models/llm/llama3-70b.yaml" >d100/models/llm/last.yaml
cp "$source/scenarios/one-gpu.yaml" s.yaml
export CPSIM_PATH=$path
expect 0 "s.yaml: ok" "" "$cpsim" check s.yaml
expect 0 "/^  layers: 3 /" "" "$cpsim" show s.yaml --set model=last --set layout.tensor=8
unset CPSIM_PATH

expect 2 "" "/layout.context: 1025 is out of range, expected 1 to 1024/" "$cpsim" check s.yaml --set layout.context=1025

# --- faults of idle years: counted, not played ---
# Two requests 1e8 s apart, four replicas, a fault an hour and replica: 4 x 1e8 / (3600 + 300) = 102,564
# are expected, with a standard deviation of some 300.
printf 'arrival_seconds,prompt_tokens,output_tokens\n0,100,10\n1e8,100,10\n' >years.csv
cat >years.yaml <<END
schema: 1
model: llama3-8b
cluster: dgx-h100
software: vllm
layout: {data: 4}
workload:
  kind: serving
  arrivals: {kind: trace, file: years.csv, format: csv}
  random_faults: {kind: replica, mean_between: 1 h, repair: 5 min}
END
"$cpsim" years.yaml --json -o years.h5 >years.json
python3 - years.json <<'END' || failures=$((failures + 1))
import json, sys
service = json.load(open(sys.argv[1]))["service"]
assert abs(service["faults"] - 102564) < 2000, service["faults"]
assert abs(service["down_seconds"] / service["faults"] - 300) < 1, service["down_seconds"]
END
expect 0 "years.h5: ok" "" "$cpsim" trace check years.h5
"$cpsim" trace export years.h5 --format csv --table faults | tail -n +2 >rows
cut -d, -f"$("$cpsim" trace export years.h5 --format csv --table faults | head -n 1 | tr , '\n' | grep -nx start | cut -d: -f1)" rows >starts
sort -g starts | cmp - starts
# Played one by one where somebody is served all the time: the same faults as ever.
"$cpsim" "$source/scenarios/serving-faults.yaml" --set workload.requests=300 >busy
grep -q ' node' busy || failures=$((failures + 1))

# --- what never ends is given up, and says so ---
expect 1 "" "/given up: faults come so fast that no request ends between them .0 of 20 ended.; raise/" \
    "$cpsim" "$source/scenarios/serving-gpu-failures.yaml" --set workload.requests=20 \
    --set "workload.random_faults.mean_between=4 s" -o given-up.h5
[ ! -e given-up.h5 ] || failures=$((failures + 1))
failing=$source/scenarios/train-failures.yaml
expect 0 "/^run +NOT FINISHED: given up with 0 % of its work done, after 5,000,000 interruptions and 0 checkpoints/" \
    "" "$cpsim" "$failing" --set workload.failures.causes.5.gpu_hours=3
"$cpsim" "$failing" --set workload.failures.causes.5.gpu_hours=3 --json >given-up.json
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["figures"]["run_done_share"] == 0' given-up.json
# A checkpoint of no cost: one a step, not one each 1e-148 s.
expect 0 "/; a checkpoint every 6\.41 s$/" "" "$cpsim" "$failing" --set "workload.failures.checkpoint=1e-300 s"
# A loss that is reached at once has no critical batch: every batch takes its one step.
expect 0 "/^2,048 .* 1 +[0-9]+ ms /" "" "$cpsim" "$source/scenarios/train-batch-size.yaml" --set workload.target_loss=99
# Twelve bytes ask for no 20 GB. (Under sanitizers a program maps more by itself.)
printf '444440F44444' >order.csv
most=4000000
if grep -q __asan_init "$cpsim"; then most=unlimited; fi
expect 2 "" "/order.csv: error: part 0 has no forward pass of micro-batch 0/" bash -c "ulimit -v $most; "'exec "$@"' sh \
    "$cpsim" check "$source/scenarios/train-two-gpus.yaml" --set workload.schedule.file=order.csv

# --- what a file may say, --set may ---
expect 0 "s.yaml: ok" "" "$cpsim" check s.yaml --set 'memory.fraction={value: 0.9, source: measured}'
expect 0 "/^  fraction: 0.9 /" "" "$cpsim" show s.yaml --set 'memory.fraction={value: 0.9, source: measured}'
expect 2 "" "/unknown key 'sauce' beside 'value'; expected 'source'/" \
    "$cpsim" check s.yaml --set 'memory.fraction={value: 0.9, sauce: measured}'
# A name as long as the column has its text below it.
expect 0 "/^  preset: fp8-tensor$/" "" "$cpsim" describe precision.preset
compare "longest preset" "/^                    GEMMs in fp8 with one scale a tensor/" "$scratch/out"
expect 0 "/^gpu: a name/" "" "$cpsim" describe gpu.use
expect 2 "" "/no key 'layout.preset'/" "$cpsim" describe layout.preset

# --- MFU says of which peak ---
expect 0 "/^MFU is of the bf16 peak, 989.4 TFLOP.s; of the formats. own peaks [0-9.]+ % at most/" "" \
    "$cpsim" s.yaml --set precision=fp8-tensor
"$cpsim" s.yaml >bf16
if grep -q '^MFU' bf16; then
    echo "a bf16 run tells of other formats"
    failures=$((failures + 1))
fi
# A prefill that computes and does nothing else: over 100 % of bf16's peak, not of its own.
"$cpsim" s.yaml --set precision=fp8-tensor --set 'workload.turns=[{prompt: 65536 tokens, output: 1 tokens}]' --set workload.batch=1 \
    --set gpu.power_limit=5000W >fp8
python3 - fp8 <<'END' || failures=$((failures + 1))
import re, sys
share = float(re.search(r"own peaks ([\d.]+) % at most", open(sys.argv[1]).read())[1])
assert share <= 100, share
END

# --- ring tables that call their size `ranks` ---
header=model,variant,new_tokens,cached_tokens,hq,hk,attn_us,sendrecv_us_alone,attn_only_us
row=llama3-405b,pass-kv,32768,0,16,1,2000,200,1800
for size in cp ranks; do
    printf '%s,%s\n%s,4\n' "$header" "$size" "$row" >ring-$size.csv
    "$cpsim" compare ring-$size.csv --gpu h100-sxm --cluster dgx-h100 | sed "s/ring-$size//" >of-$size
done
cmp of-cp of-ranks
printf '%s\n%s\n' "$header" "$row" >ring-two.csv
"$cpsim" compare ring-two.csv --gpu h100-sxm --cluster dgx-h100 | sed "s/ring-two//" >of-two
if cmp -s of-two of-cp; then
    echo "four ranks are two"
    failures=$((failures + 1))
fi
finish
