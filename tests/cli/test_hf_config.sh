#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A model given as the config.json it is published with: the same figures as from a file of models/llm, layers
# of several kinds, quantised weights, positions, and what is said when it cannot be read.
set -euo pipefail
cpsim=$1 source=$2
# shellcheck source=tests/cli/library.sh
source "$source/tests/cli/library.sh"
mkdir "$scratch/Llama-3.1-8B"
cd "$scratch"

config() { # config FILE LINE...: what the published file of Llama 3.1 8B says, and more lines
    local file=$1
    shift
    {
        printf '{\n  "architectures": ["LlamaForCausalLM"],\n'
        printf '  %s,\n' "$@"
        printf '  "hidden_act": "silu",\n  "hidden_size": 4096,\n  "intermediate_size": 14336,\n'
        printf '  "num_attention_heads": 32,\n  "num_hidden_layers": 32,\n  "num_key_value_heads": 8,\n'
        printf '  "rope_scaling": {"factor": 8.0, "rope_type": "llama3"},\n'
        printf '  "tie_word_embeddings": false,\n  "vocab_size": 128256\n}\n'
    } >"$file"
}
scenario() { # scenario MODEL [LINE]
    printf 'schema: 1\ntitle: t\nmodel: %s\ncluster: {use: dgx-h100, nodes: 1}\nlayout: {tensor: 1}\n' "$1"
    printf 'workload: {kind: conversation, turns: [{prompt: 4096 tokens, output: 8 tokens}]}\n'
    printf '%s\n' "${2:-}"
}

config Llama-3.1-8B/config.json '"model_type": "llama"'
scenario llama3-8b >ours.yaml
"$cpsim" --json ours.yaml | sed 's/llama3-8b/Llama-3.1-8B/' >ours
# The file, the folder that holds it, and the folder by its name alone.
for model in Llama-3.1-8B/config.json ./Llama-3.1-8B Llama-3.1-8B/ Llama-3.1-8B; do
    scenario $model >theirs.yaml
    "$cpsim" --json theirs.yaml >theirs
    if ! diff ours theirs; then
        failures=$((failures + 1))
    fi
done
mkdir empty
expect 2 "" "/error: model: 'empty' is a folder without a config.json; expected a file of models\\/llm, a config.json or /" \
    "$cpsim" models empty
expect 2 "" "/error: model: 'Qwen\\/Qwen3-8C' is a name on the Hugging Face hub that no file of models\\/llm has \\(did you mean 'qwen3-8b'\\?\\); download its config.json \\(hf download Qwen\\/Qwen3-8C config.json --local-dir Qwen3-8C\\)/" \
    "$cpsim" models Qwen/Qwen3-8C
expect 2 "" "/error: model: 'Qwen\\/Qwen3-8B-FP8' is a checkpoint in a format of its own \\(FP8\\); write 'model: qwen3-8b' and say its /" \
    "$cpsim" models Qwen/Qwen3-8B-FP8
# A name that a file lists is that file, whatever its letters' case.
"$cpsim" models qwen3-8b >by-file
expect 0 "$(cat by-file)" "" "$cpsim" models qwen/qwen3-8b
# Names of a list are whole, the last too.
expect 2 "" "/there are: 1[0-9][0-9] files \(cpsim models lists them\); looked beside the file/" "$cpsim" models nothing
expect 2 "" "/there are: deepseek-v2, .*, [.][.][.] 1[0-9][0-9] in all \(cpsim models/" "$cpsim" models deepseek-v9-large
last=$(sed -nE 's/.* ([^ ,]+), [.]{3} [0-9]+ in all.*/\1/p' err)
if [ ! -f "$source/models/llm/$last.yaml" ]; then
    echo "'$last', the last name of the list, is no model"
    failures=$((failures + 1))
fi

scenario config.json >s.yaml
config config.json '"model_type": "mixtral"' '"num_local_experts": 8' '"num_experts_per_tok": 2'
expect 0 "/^  experts: 8 +# .*config.json:4$/" "" "$cpsim" show s.yaml --set layout.tensor=4
config config.json '"model_type": "llama"' '"num_local_experts": 8'
expect 2 "" "config.json:4:24: error: num_local_experts: the model has experts, and the layers of 'llama' have none; its model_type is another's, or write a YAML file (cpsim describe model)
1 error" "$cpsim" check s.yaml
config config.json '"model_type": "mixtral"' '"num_local_experts": 8' '"num_experts_per_tok": 0'
expect 2 "" "/error: model.experts_per_token: 0 of the 8 experts of a layer; expected 1 to 8$/" "$cpsim" check s.yaml
# So says who describes it, and what is no size is none.
expect 2 "" "/error: model.experts_per_token: 0 of the 8 experts of a layer; expected 1 to 8$/" "$cpsim" models config.json
for size in 1e15 -2 2.5 '"two"'; do
    config sizes.json '"model_type": "mixtral"' '"num_local_experts": 8' "\"num_experts_per_tok\": $size"
    expect 2 "" "sizes.json:5:26: error: num_experts_per_tok: '${size//\"/}' is no number of something; expected a whole number, at most 4294967294
1 error" "$cpsim" models sizes.json
done

# A family that is not known is read by its keys, and said to be; keys that mean nothing to anybody are named.
config config.json '"model_type": "gwen3"' '"odd_gate": 7'
expect 0 "*" "/^config.json:3:17: warning: model_type: 'gwen3' is not a family that cpsim knows \\(did you mean 'qwen3'\\?\\); its layers are read by their keys as attention/" \
    "$cpsim" check s.yaml
expect 0 "*" "/^config.json:4:3: warning: cpsim does not know what these keys change, and leaves them out: odd_gate$/" "$cpsim" check s.yaml
config config.json '"model_type": "gwen3"' '"mamba_d_state": 16'
expect 2 "" "/^config.json:4:20: error: mamba_d_state: the model has state-space layers, and its family is none whose order of layers cpsim knows/" \
    "$cpsim" check s.yaml
config config.json '"model_type": "rwkv"'
expect 2 "" "config.json:3:17: error: model_type: 'rwkv' has time-mixing of RWKV, a recurrence that cpsim does not model
1 error" "$cpsim" check s.yaml
config config.json '"model_type": "qwen3"' '"layer_types": ["full_attention", "folded_attention"]'
expect 2 "" "config.json:4:18: error: layer_types: 'folded_attention' is a kind of layer that cpsim does not know
1 error" "$cpsim" check s.yaml

# Windows: of every layer, of some, switched off, absent.
config config.json '"model_type": "mistral"' '"sliding_window": 4096'
expect 0 "/^  window: 4096 tokens +# .*config.json:4$/" "" "$cpsim" show s.yaml
config config.json '"model_type": "qwen2"' '"sliding_window": 4096' '"use_sliding_window": false'
expect 0 "/layers: 32 layers of gqa 32\\/8 heads of 128; dense 14336$/" "" "$cpsim" models config.json
config config.json '"model_type": "mistral"' '"sliding_window": null'
expect 0 "/cache in bf16: 128.0 KiB a token$/" "" "$cpsim" models config.json
config config.json '"model_type": "gemma2"' '"sliding_window": 4096' '"head_dim": 128'
expect 0 "/stack: 16 x \\(sliding, full\\)$/" "" "$cpsim" models config.json
# The first eight layers without experts (qwen3_moe): 30.5 G fall to 26.0 G parameters.
cat >moe.json <<'JSON'
{"model_type": "qwen3_moe", "vocab_size": 151936, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8,
 "moe_intermediate_size": 768, "mlp_only_layers": [0, 1, 2, 3, 4, 5, 6, 7], "hidden_size": 2048, "intermediate_size": 6144,
 "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4}
JSON
expect 0 "/parameters: 26.0 G, active 3.4 G;/" "" "$cpsim" models moe.json
expect 0 "/stack: 8 x full-dense, 40 x full-experts$/" "" "$cpsim" models moe.json

# A text model in a model of several senses.
config text.json '"model_type": "mistral"'
{
    printf '{"model_type": "mistral3", "vision_config": {"hidden_size": 1024}, "text_config": '
    cat text.json
    printf '}\n'
} >config.json
expect 0 "*" "/note: text_config: the text model is read from here; what sees and hears beside it is not modelled$/" "$cpsim" check s.yaml
expect 0 "/parameters: 8.0 G, active 8.0 G;/" "*" "$cpsim" models config.json

# Quantised weights set the precision, unless the scenario does.
quantised() { # quantised JSON
    config config.json '"model_type": "llama"' "\"quantization_config\": $1"
}
quantised '{"quant_method": "fp8", "weight_block_size": [128, 128]}'
expect 0 "/^    format: fp8 +# .*config.json:4$/" "" "$cpsim" show s.yaml
expect 0 "/^    block: 128 +# .*config.json:4$/" "" "$cpsim" show s.yaml
scenario llama3-8b 'precision: fp8-block' >ours.yaml
"$cpsim" --json ours.yaml | sed 's/llama3-8b/config/' >ours
"$cpsim" --json s.yaml >theirs
if ! diff ours theirs; then
    failures=$((failures + 1))
fi
scenario config.json 'precision: bf16' >said.yaml
expect 0 "/^    format: bf16 +# default$/" "" "$cpsim" show said.yaml
scenario config.json 'precision: {kv_cache: fp8}' >said.yaml
expect 0 "/^    format: fp8 +# .*config.json:4$/" "" "$cpsim" show said.yaml --set precision.kv_cache.scaling=tensor
same_as() { # same_as PRESET JSON: the checkpoint is what the preset is
    quantised "$2"
    scenario llama3-8b "precision: $1" >ours.yaml
    "$cpsim" --json ours.yaml | sed 's/llama3-8b/config/' >ours
    "$cpsim" --json s.yaml >theirs
    if ! diff ours theirs; then
        echo "$2 is not $1"
        failures=$((failures + 1))
    fi
}
same_as fp8-tensor '{"quant_method": "fp8", "activation_scheme": "static"}'
same_as fp8 '{"quant_method": "fbgemm_fp8"}'
same_as w4a16 '{"quant_method": "gptq", "bits": 4, "group_size": 128}'
same_as w4a16 '{"quant_method": "awq", "bits": 4, "group_size": 128}'
same_as w8a8 '{"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "int", "strategy": "channel"}, "input_activations": {"num_bits": 8}}}}'
same_as fp8-ffn '{"quant_method": "compressed-tensors", "ignore": ["re:.*self_attn.*"], "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}, "input_activations": {"num_bits": 8}}}}'
same_as kv-fp8 '{"quant_method": "modelopt", "quant_algo": null, "kv_cache_quant_algo": "FP8"}'
quantised '{"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}'
expect 0 "/^    format: nvfp4 +# .*config.json:4$/" "" "$cpsim" show s.yaml
quantised '{"quant_method": "aqlm"}'
expect 0 "*" "/config.json:4:26: warning: quantization_config: the form of 'aqlm' is not known; weights are taken as bf16 unless/" "$cpsim" check s.yaml
# ModelOpt writes it beside.
config Llama-3.1-8B/config.json '"model_type": "llama"'
printf '{"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}\n' >Llama-3.1-8B/hf_quant_config.json
scenario Llama-3.1-8B >beside.yaml
expect 0 "/^    format: fp8 +# Llama-3.1-8B\\/hf_quant_config.json:1$/" "" "$cpsim" show beside.yaml

# Positions: a warning in a conversation, an error in a service, unless the scenario raises them.
config config.json '"model_type": "llama"' '"max_position_embeddings": 4096'
expect 0 "*" "/warning: workload.turns: after turn 1 the conversation has 4104 tokens, and the model was made for 4096 \\(model.context\\)$/" "$cpsim" check s.yaml
expect 0 "*" "" "$cpsim" check s.yaml --set 'model.context=8192 tokens'
cat >service.yaml <<'YAML'
schema: 1
model: config.json
cluster: {use: dgx-h100, nodes: 1}
layout: {tensor: 1}
workload:
  kind: serving
  arrivals: {kind: poisson, rate: 1/s}
  lengths: {prompt: {kind: fixed, tokens: 5000 tokens}, output: {kind: fixed, tokens: 8 tokens}}
  requests: 10
YAML
expect 2 "" "/error: workload.lengths: requests of up to 5000 \\+ 8 tokens, and the model was made for 4096 \\(model.context\\); engines refuse them/" "$cpsim" check service.yaml
expect 0 "*" "" "$cpsim" check service.yaml --set 'model.context=8192 tokens'

# Kinds of a YAML file: sizes that a mixer needs.
printf '%s\n' 'schema: 1' 'source: s' 'layers: 2' 'hidden: 1024' 'vocabulary: 1000' 'mixer: delta' >kinds.yaml
expect 2 "" "/kinds.yaml:6:8: error: model.mixer: the sizes of 'delta' are missing; expected a mapping 'delta' \\(cpsim describe model.delta\\)$/" \
    "$cpsim" models ./kinds.yaml
printf '%s\n' 'delta: {key_heads: 4, value_heads: 8, key_size: 64, value_size: 64, convolution: 4}' 'ffn_hidden: 2048' >>kinds.yaml
expect 0 "/layers: 2 layers of delta 8 heads of 64 x 64; dense 2048$/" "" "$cpsim" models ./kinds.yaml

# docs/models.md names every family.
while read -r family; do
    if ! grep -qE "(^|[ |(])$family([,. |]|\$)" "$source/docs/models.md"; then
        echo "docs/models.md does not name $family"
        failures=$((failures + 1))
    fi
done < <(sed -nE 's/.*\.type = "([^"]*)".*/\1/p; s/^    \{"([^"]*)",.*/\1/p' "$source"/sim/scenario/hf/hf_{families,refused}.c)

# What is missing has our names and the place.
printf '{"model_type": "llama", "hidden_size": 4096}\n' >config.json
expect 2 "" "/required/" "$cpsim" check s.yaml
finish
