#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a new user types, and what he is told: files given to the wrong command, words of other
# programs, units left out. Each answer names what was meant.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
cd "$scratch"
cp "$source"/scenarios/{one-gpu,serving-70b-chat,train-two-gpus,train-batch-size}.yaml .
cp "$source"/scenarios/sweeps/decode-batch.yaml sweep.yaml
cp "$source"/scenarios/decode-batch.yaml base.yaml
cp "$source"/scenarios/plans/chats-70b.yaml plan.yaml
sed -i 's,base: .*,base: base.yaml,' sweep.yaml
sed -i 's,base: .*,base: serving-70b-chat.yaml,' plan.yaml

# A file of another kind than the command reads.
expect 0 'sweep.yaml: ok, a sweep of 17 points' '' "$cpsim" check sweep.yaml
expect 0 'plan.yaml: ok, a plan of 1224 candidates' '' "$cpsim" check plan.yaml
expect 2 '' 'sweep.yaml: error: this is a sweep file; cpsim sweep sweep.yaml -o FOLDER runs it' \
    "$cpsim" run sweep.yaml
expect 2 '' 'plan.yaml: error: this is a plan file; cpsim plan plan.yaml -o FOLDER runs it' \
    "$cpsim" sweep plan.yaml -o x
expect 2 '' "one-gpu.yaml: error: this is a scenario; cpsim one-gpu.yaml runs it. A sweep has a 'base', which may be this, and 'axes' (cpsim describe sweep)" \
    "$cpsim" sweep one-gpu.yaml -o x
expect 2 '' "one-gpu.yaml: error: this is a scenario; cpsim one-gpu.yaml runs it. A plan has a 'base', which may be this, and 'axes' (cpsim describe plan)" \
    "$cpsim" plan one-gpu.yaml -o x
cp "$source/platforms/gpus/h100-sxm.yaml" my-gpu.yaml
expect 0 "my-gpu.yaml: ok, for 'gpu:' in a scenario" '' "$cpsim" check my-gpu.yaml
expect 2 '' "my-gpu.yaml: error: this is a GPU; a scenario names it with 'gpu: ./my-gpu.yaml'; cpsim check my-gpu.yaml reads it" \
    "$cpsim" my-gpu.yaml
sed -i 's,base: .*,base: one-gpu.yaml,' plan.yaml
expect 2 '' "plan.yaml:6:7: error: rate: the base is of kind conversation, alone on its machine: a plan over one has no rate, and \`slo: {ttft, tpot}\` (cpsim describe node-plan); expected a base of kind serving, or no rate
1 error" "$cpsim" plan plan.yaml -o x
[ ! -e x ]

# Runs beside each other, where tables of what was measured are read.
"$cpsim" one-gpu.yaml -o one-gpu.h5 >/dev/null
expect 2 '' "base.yaml: error: this is a scenario, and cpsim compare reads tables of what was measured; run each (cpsim base.yaml -o RUN.h5), then python3 -m analysis compare one-gpu.h5 base.h5; what clients of a service wrote is compared with --scenario base.yaml
one-gpu.h5: error: this is a run's trace, and cpsim compare reads tables of what was measured; python3 -m analysis compare one-gpu.h5 base.h5 compares runs
2 errors" "$cpsim" compare one-gpu.h5 base.yaml
# A name of a list.
expect 0 '/memory_rate: +3.35 TB.s/' '' "$cpsim" platforms h100-sxm
expect 2 '' "cpsim: error: 'h100-smx' is no name of the list (did you mean 'h100-sxm'?)
1 error" "$cpsim" platforms h100-smx

# told SCENARIO SETTING MESSAGE: `check` with --set says this, and nothing else.
told() {
    expect 2 '' "--set $2: error: $3
1 error" "$cpsim" check "$1" --set "$2"
}
presets='bf16, fp8-ffn, fp8-tensor, fp8, fp8-block, w4a16, w8a8, kv-fp8, fp8-lm, adam-8bit, transformer-engine'
told one-gpu.yaml layout.tp=2 "unknown key 'tp' in layout (did you mean 'tensor'?)"
told one-gpu.yaml tp=2 "unknown key 'tp' (did you mean 'layout.tensor'?)"
told one-gpu.yaml tensor=2 "unknown key 'tensor' (did you mean 'layout.tensor'?)"
told one-gpu.yaml layout.pipeline_parallel_size=2 "unknown key 'pipeline_parallel_size' in layout (did you mean 'pipeline'?)"
told one-gpu.yaml workload.batch_size=8 "unknown key 'batch_size' in workload (did you mean 'batch'?)"
told one-gpu.yaml dtype=fp8 "unknown key 'dtype' (did you mean 'precision'?)"
told one-gpu.yaml precision=awq "precision: 'awq' is not a preset (did you mean 'w4a16'?); expected one of: $presets"
told one-gpu.yaml precision=int8 "precision: 'int8' is not a preset (did you mean 'w8a8'?); expected one of: $presets"
told one-gpu.yaml precision=fp16 "precision: 'fp16' is not a preset (did you mean 'bf16'?); expected one of: $presets"
told one-gpu.yaml 'workload.turns.0.prompt=4k' "workload.turns.0.prompt: unknown unit 'k' (write it out: 4000); expected a number of tokens such as 4000 tokens"
told one-gpu.yaml workload.turns.prompt=100 'workload.turns is a list of 1; expected its number, as in workload.turns.0'
told one-gpu.yaml workload.prompt=100 "unknown key 'prompt' in workload (did you mean 'workload.turns.0.prompt'?)"
told one-gpu.yaml workload.kind=serve "workload.kind: 'serve' is not known (did you mean 'serving'?); expected one of: conversation, serving, training"
told serving-70b-chat.yaml workload.service.max_num_seqs=5 "unknown key 'max_num_seqs' in workload.service (did you mean 'max_sequences'?)"
told serving-70b-chat.yaml workload.qps=8 "unknown key 'qps' in workload (did you mean 'workload.arrivals.rate'?)"
told serving-70b-chat.yaml workload.rate=8 "unknown key 'rate' in workload (did you mean 'workload.arrivals.rate'?)"
told serving-70b-chat.yaml workload.batch=8 'workload.batch: only kind: conversation has this key'
told serving-70b-chat.yaml gpu_memory_utilization=0.9 "unknown key 'gpu_memory_utilization' (did you mean 'memory.fraction'?)"
told serving-70b-chat.yaml memory.fraction=90% "memory.fraction: '90%' is not a plain number (write it out: 0.9)"
told serving-70b-chat.yaml 'cluster.nic_rate=400 Gbit/s' "cluster.nic_rate: unknown unit 'Gbit/s' (did you mean 'Gb/s'?); expected a rate in bytes per second such as 50 GB/s"
told serving-70b-chat.yaml workload.arrivals.rate=8rps "workload.arrivals.rate: unknown unit 'rps' (did you mean '/s'?); expected a number per second such as 4 /s"
told train-batch-size.yaml workload.tokens=15T "workload.tokens: '15T' is not a plain number (write it out: 15000000000000)"
told train-batch-size.yaml workload.zero=3 "unknown key 'zero' in workload (did you mean 'sharding'?)"
told train-batch-size.yaml workload.lora=16 "unknown key 'lora' in workload (did you mean 'adapter_rank'?)"
told train-batch-size.yaml workload.optimizer=adam "unknown key 'optimizer' in workload; cpsim describe workload lists what it may have"

# A mean may say its unit.
expect 0 '*' '' "$cpsim" check serving-70b-chat.yaml --set 'workload.lengths.prompt.mean=2000 tokens'
"$cpsim" run serving-70b-chat.yaml --set 'workload.lengths.prompt.mean=2000 tokens' --set workload.requests=50 --set 'workload.warm_up=0 s' --json >unit.json
"$cpsim" run serving-70b-chat.yaml --set workload.lengths.prompt.mean=2000 --set workload.requests=50 --set 'workload.warm_up=0 s' --json >plain.json
cmp unit.json plain.json || failures=$((failures + 1))

# Names: those that begin alike, whole, and how many there are; words of other programs.
expect 2 '' "/model: no file for 'llama3-80b' \(did you mean 'llama3-70b'\?\); there are: llama-13b, .*llama4-scout, \.\.\. [0-9]+ in all \(cpsim models lists them\); looked beside/" \
    "$cpsim" check one-gpu.yaml --set model=llama3-80b
expect 2 '' "/cluster: no file for 'h100' \(did you mean 'dgx-h100'\?\); there are: dgx-a100, /" \
    "$cpsim" check one-gpu.yaml --set cluster=h100
expect 2 '' "/software: no file for 'trtllm' \(did you mean 'tensorrt-llm'\?\); there are: /" \
    "$cpsim" check one-gpu.yaml --set software=trtllm
expect 2 '' "/gpu: no file for 'H100' \(did you mean 'h100-sxm'\?\); there are: /" \
    "$cpsim" check one-gpu.yaml --set gpu=H100

# Settings without --set, names of scenarios.
expect 2 '' 'cpsim: error: cpsim run: a value is changed by --set layout.tensor=2' \
    "$cpsim" one-gpu.yaml layout.tensor=2
expect 2 '' "cpsim: error: cpsim run has no option '--layout.tensor=2' (did you mean --set layout.tensor=2?); see cpsim run --help" \
    "$cpsim" one-gpu.yaml --layout.tensor=2
expect 2 '' "cpsim: error: 'serving-70b-chats' is neither a command nor a file (did you mean 'serving-70b-chat'?); see cpsim --help" \
    "$cpsim" serving-70b-chats

# Words that are no keys.
expect 0 '/^workload.adapter_rank: a whole number/' '' "$cpsim" describe lora
expect 0 '/^layout.tensor: a whole number/' '' "$cpsim" describe layout.tp
expect 0 '/^  decode_mfu +1 +/' '' "$cpsim" describe mfu
expect 0 "/^No key is called 'gptq'. These speak of it:$/" '' "$cpsim" describe gptq
expect 2 '' "cpsim: error: no key 'xyzzy'; cpsim describe lists them" "$cpsim" describe xyzzy

finish
