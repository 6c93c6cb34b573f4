#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cpsim import and cpsim show --as: one table both ways, so what one prints the other reads as the same
# keys; and what neither can carry over is said. A flag that meant another key would pass every other
# test.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
cd "$scratch"

# value FILE KEY: of a scenario as it is understood.
value() {
    "$cpsim" show "$1" --json | sed -nE "s/^ *\{\"key\": \"${2//./\\.}\", \"value\": \"([^\"]*)\".*/\1/p"
}
# holds FILE KEY VALUE
holds() {
    local got
    got=$(value "$1" "$2")
    if [ "$got" != "$3" ]; then
        echo "$1: $2 is '$got', expected '$3'"
        failures=$((failures + 1))
    fi
}

# vLLM's server.
"$cpsim" import vllm "VLLM_USE_V1=1 vllm serve meta-llama/Llama-3.3-70B-Instruct -tp 4 --max-num-seqs=96 \
    --max_num_batched_tokens 4096 --max-model-len 32768 --quantization fp8 --kv-cache-dtype fp8_e4m3 \
    --gpu-memory-utilization 0.85 --no-enable-prefix-caching --port 8000 --swap-space 4 --trust-remote-code" >vllm.yaml
head -n 4 vllm.yaml >said
compare "what is lost" "# From vllm serve's arguments. Not carried over:
#   --swap-space 4: not known here
#   what is in no argument and stands here as an example: cluster, workload.arrivals, workload.lengths
schema: 1" said
holds vllm.yaml layout.tensor 4
holds vllm.yaml workload.service.max_sequences 96
holds vllm.yaml workload.service.max_batched_tokens "4096 tokens"
holds vllm.yaml workload.service.prefix_cache false
holds vllm.yaml memory.fraction 0.85
holds vllm.yaml model.context "32768 tokens"
holds vllm.yaml model.layers 80
holds vllm.yaml precision.ffn_weights.format fp8
holds vllm.yaml precision.ffn_weights.scaling tensor
holds vllm.yaml precision.kv_cache.format fp8
expect 0 "vllm serve meta-llama/Llama-3.3-70B-Instruct \\
    --tensor-parallel-size 4 \\
    --max-num-seqs 96 \\
    --max-num-batched-tokens 4096 \\
    --no-enable-prefix-caching \\
    --gpu-memory-utilization 0.85 \\
    --max-model-len 32768 \\
    --quantization fp8 \\
    --kv-cache-dtype fp8" "" "$cpsim" show vllm.yaml --as vllm

# Adapters: --enable-lora alone means one, and is printed with the others.
"$cpsim" import vllm "meta-llama/Llama-3.1-8B --enable-lora" >lora.yaml
holds lora.yaml workload.service.adapters.max_adapters 1
"$cpsim" import vllm "meta-llama/Llama-3.1-8B --max-loras 4 --enable-lora --max-lora-rank 32" >lora.yaml
holds lora.yaml workload.service.adapters.max_adapters 4
expect 0 "vllm serve meta-llama/Llama-3.1-8B \\
    --max-loras 4 \\
    --max-lora-rank 32 \\
    --enable-lora" "" "$cpsim" show lora.yaml --as vllm

# Experts on all of a server's ranks: data-parallel ranks share them.
"$cpsim" import vllm "deepseek-ai/DeepSeek-V3 --data-parallel-size 16 --enable-expert-parallel" >experts.yaml
holds experts.yaml layout.attention_data 16
holds experts.yaml layout.expert 16
holds experts.yaml layout.data 1
holds experts.yaml cluster.nodes 2
"$cpsim" import vllm "llama3.1-8b --enforce-eager -dp 2" >eager.yaml
holds eager.yaml software.decode_graph false
holds eager.yaml software.prefill_graph false
holds eager.yaml layout.data 2

# SGLang's: with attention in parts, tensor ranks count all GPUs.
"$cpsim" import sglang "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3 --tp 16 --dp 8 --enable-dp-attention \
    --ep 16 --chunked-prefill-size 4096 --mem-fraction-static 0.9 --schedule-policy lpm --disable-radix-cache" >sglang.yaml
holds sglang.yaml layout.tensor 2
holds sglang.yaml layout.attention_data 8
holds sglang.yaml layout.expert 16
holds sglang.yaml workload.service.max_batched_tokens "4096 tokens"
holds sglang.yaml memory.static_fraction 0.9
holds sglang.yaml workload.service.order lpm
holds sglang.yaml workload.service.prefix_cache false
expect 0 "/^    --tp-size 16 /" "" "$cpsim" show sglang.yaml --as sglang
"$cpsim" import trtllm "trtllm-serve serve llama3.1-8b --tp_size 2 --kv_cache_free_gpu_memory_fraction 0.85" >free.yaml
holds free.yaml memory.free_fraction 0.85
"$cpsim" import sglang "python3 -m sglang.launch_server --model llama3.1-8b --tp 2 --dp 4" >replicas.yaml
holds replicas.yaml layout.tensor 2
holds replicas.yaml layout.data 4

# Megatron's sizes, and its rules for those that are not said.
cat >args.txt <<'END_ARGS'
# a 7B of our own
torchrun --nproc_per_node 8 --nnodes 4 pretrain_gpt.py \
    --tensor-model-parallel-size 4 --pipeline-model-parallel-size 2 --sequence-parallel \
    --num-layers 32 --hidden-size 4096 --num-attention-heads 32 --swiglu --vocab-size 32000 \
    --seq-length 4096 --micro-batch-size 1 --global-batch-size 64 --bf16 --lr 3e-4 \
    --num-layers-per-virtual-pipeline-stage 4 --use-distributed-optimizer --hidden-dropout 0 --attention-dropout 0
END_ARGS
"$cpsim" import megatron args.txt >megatron.yaml
holds megatron.yaml layout.data 4      # 32 GPUs over 4 x 2
holds megatron.yaml model.ffn_hidden 10880 # 4 x 4096 x 2 / 3 = 10922, in whole 64s
holds megatron.yaml model.kv_heads 32
holds megatron.yaml model.tied_embedding true # without --untie-embeddings-and-output-weights
holds megatron.yaml workload.virtual_stages 4 # 32 layers over 2 stages of 4
holds megatron.yaml workload.schedule.kind interleaved
holds megatron.yaml workload.overlap false # without --overlap-grad-reduce
holds megatron.yaml workload.sharding zero1
"$cpsim" check megatron.yaml >/dev/null

# What another program has no default for, or another one, is said where the scenario leaves it to its own.
expect 0 "/--micro-batch-size 1 /" "" "$cpsim" show train-gpt3-175b --as megatron
# torchtitan's local batch: of a pipeline all micro-batches of a replica, 128 sequences over 8 replicas; otherwise one.
expect 0 "/--training.local_batch_size=16 /" "" "$cpsim" show train-llama3-405b --as torchtitan
"$cpsim" import torchtitan "torchrun -m torchtitan.train --model.name llama3 --model.flavor 8B \
    --parallelism.data_parallel_shard_degree=8 --training.local_batch_size=2 --training.seq_len=2048" >titan.yaml
holds titan.yaml workload.micro_batch 2
holds titan.yaml workload.global_batch 16
expect 0 "/--training.local_batch_size=2 /" "" "$cpsim" show titan.yaml --as torchtitan

# AIConfigurator's question, as its guide has it, with a draft that is not carried.
"$cpsim" import aiconfigurator "aiconfigurator cli default --model QWEN3_32B --total_gpus 36 --system h200_sxm --backend vllm \
    --ttft 1000 --tpot=7.5 --isl 3000 --osl 512 --nextn 1 --save_dir results" >question.yaml
head -n 4 question.yaml >said
compare "what is lost" "# From aiconfigurator's arguments. Not carried over:
#   --nextn 1: not known here
#   what it looks for and stands here as an example: layout, workload.arrivals; cpsim plan finds them (docs/sweeps.md)
schema: 1" said
holds question.yaml model.layers 64
holds question.yaml cluster.nodes 5 # 36 GPUs on nodes of eight
holds question.yaml cluster.name hgx-h200
holds question.yaml layout.tensor 4 # the most that a node has and 36 can be shared by
holds question.yaml layout.data 9
holds question.yaml workload.lengths.prompt.tokens "3000 tokens"
holds question.yaml workload.lengths.output.tokens "512 tokens"
holds question.yaml workload.slo.ttft "1000 ms"
holds question.yaml workload.slo.tpot "7.5 ms"
expect 0 "aiconfigurator cli default \\
    --model Qwen/Qwen3-32B \\
    --total_gpus 36 \\
    --isl 3000 \\
    --osl 512 \\
    --system h200_sxm \\
    --backend vllm \\
    --ttft 1000 \\
    --tpot 7.5
# Not carried over:
#   layout, workload.arrivals: it finds these itself
#   layout.tensor: 4
#   layout.data: 9" "" "$cpsim" show question.yaml --as aiconfigurator
"$cpsim" import aiconfigurator "aiconfigurator cli default --model Qwen/Qwen3-8B --total_gpus 16 --system h100_sxm" >question.yaml
holds question.yaml software.name tensorrt-llm
holds question.yaml workload.lengths.prompt.tokens "4000 tokens" # its default
"$cpsim" check question.yaml >/dev/null

# There and back again: what a scenario is as a command line is a scenario that is the same line.
carried=0
for name in vllm sglang trtllm megatron torchtitan aiconfigurator; do
    for scenario in "$source"/scenarios/*.yaml; do
        "$cpsim" show "$scenario" --as "$name" >line 2>/dev/null || continue
        "$cpsim" import "$name" line >back.yaml
        if ! "$cpsim" show back.yaml --as "$name" >again 2>/dev/null; then
            grep -q "^# Not carried over:" line || { echo "$scenario --as $name does not read back"; failures=$((failures + 1)); }
            continue
        fi
        grep -q '^#   workload.global_batch: the critical batch' line && continue # torchtitan's default is a number
        carried=$((carried + 1))
        sed '/^#/d' line >plain
        sed '/^#/d' again >again.plain
        compare "$scenario --as $name" "$(cat plain)" again.plain
    done
done
if [ "$carried" -lt 20 ]; then
    echo "$carried scenarios were carried there and back, expected 20 and more"
    failures=$((failures + 1))
fi

expect 2 "" "the command line: error: 'vlm' names no command lines that are known here, did you mean 'vllm'? (there are: vllm, sglang, trtllm, megatron, torchtitan, aiconfigurator)
1 error" "$cpsim" import vlm "x"
expect 2 "" "the arguments: error: no model is named; expected one, as in: vllm serve meta-llama/Llama-3.1-8B
1 error" "$cpsim" import vllm "vllm serve --port 1"
expect 2 "" "the arguments: error: a quote is opened and never closed
1 error" "$cpsim" import vllm "vllm serve 'x"
expect 2 "" "$source/scenarios/train-two-gpus.yaml: error: vllm serve takes a scenario of kind serving
1 error" "$cpsim" show "$source/scenarios/train-two-gpus.yaml" --as vllm
finish
