#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A model given as the config.json it is published with: the same figures as from a file of models/llm, and
# what is said when its layers are none that cpsim models.
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
scenario() { # scenario MODEL
    printf 'schema: 1\ntitle: t\nmodel: %s\ncluster: {use: dgx-h100, nodes: 1}\nlayout: {tensor: 1}\n' "$1"
    printf 'workload: {kind: conversation, turns: [{prompt: 4096 tokens, output: 8 tokens}]}\n'
}

config Llama-3.1-8B/config.json '"model_type": "llama"'
scenario llama3-8b >ours.yaml
scenario Llama-3.1-8B/config.json >theirs.yaml
"$cpsim" --json ours.yaml | sed 's/llama3-8b/Llama-3.1-8B/' >ours
"$cpsim" --json theirs.yaml >theirs
if ! diff ours theirs; then
    failures=$((failures + 1))
fi

config config.json '"model_type": "mixtral"' '"num_local_experts": 8' '"num_experts_per_tok": 2'
scenario config.json >s.yaml
expect 0 "/^  experts: 8 +# .*config.json:4$/" "" "$cpsim" show s.yaml --set layout.tensor=4
config config.json '"model_type": "llama"' '"num_local_experts": 8'
expect 2 "" "config.json:4:24: error: num_local_experts: the model has experts of an unknown kind, which cpsim does not model
1 error" "$cpsim" check s.yaml
config config.json '"model_type": "mixtral"' '"num_local_experts": 8'
expect 2 "" "/error: model.experts_per_token: 0 of the model's 8 experts; expected 1 to 8$/" "$cpsim" check s.yaml
config config.json '"model_type": "gwen3"'
expect 2 "" "/^config.json:3:17: error: model_type: 'gwen3' is not a family whose layers are known \\(did you mean 'qwen3'\\?\\); expected one of: llama, /" \
    "$cpsim" check s.yaml
config config.json '"model_type": "mistral"' '"sliding_window": 4096'
expect 2 "" "config.json:4:21: error: sliding_window: the model has attention in a sliding window, which cpsim does not model
1 error" "$cpsim" check s.yaml
# ... where it is switched off, or absent, it changes nothing.
config config.json '"model_type": "qwen2"' '"sliding_window": 4096' '"use_sliding_window": false'
expect 0 "*" "" "$cpsim" check s.yaml
config config.json '"model_type": "mistral"' '"sliding_window": null'
expect 0 "*" "" "$cpsim" check s.yaml
# What is missing has our names and the place.
printf '{"model_type": "llama", "hidden_size": 4096}\n' >config.json
expect 2 "" "/required/" "$cpsim" check s.yaml
finish
