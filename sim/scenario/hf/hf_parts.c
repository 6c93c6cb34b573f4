/* SPDX-License-Identifier: MIT
 * The parts that most families' layers are made of. What their code does:
 * huggingface/transformers, src/transformers/models/TYPE/modeling_TYPE.py. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

static bool has(const struct hf_reader *reader, enum hf_trait trait)
{
    return (reader->family->traits & trait) != 0;
}

const char *hf_layer_type(struct hf_reader *reader)
{
    const struct node *list =
        hf_node(reader, "layer_types|layers_block_type|block_types|attn_layer_types");
    if (list == NULL || list->kind != NODE_LIST || list->count == 0) {
        return NULL;
    }
    /* A short pattern repeats (block_types of RecurrentGemma). */
    const struct node *item = list->items[reader->layer % list->count];
    return item->kind == NODE_SCALAR ? item->text : NULL;
}

bool hf_type_is(struct hf_reader *reader, const char *types)
{
    const char *type = hf_layer_type(reader);
    size_t length = type == NULL ? 0 : strlen(type);
    for (const char *at = types; type != NULL && *at != '\0';) {
        size_t whole = strcspn(at, "|");
        if (whole == length && strncmp(at, type, length) == 0) {
            return true;
        }
        at += whole + (at[whole] == '|');
    }
    return false;
}

/* Whether a layer slides where no list says so. */
static bool slides_by_rule(struct hf_reader *reader)
{
    const char *pattern = hf_text(reader, "sliding_window_pattern|_sliding_window_pattern");
    uint32_t every = hf_count(
        reader, "sliding_window_pattern|_sliding_window_pattern|global_attn_every_n_layers",
        reader->family->full_every);
    if (pattern != NULL && (pattern[0] == 'L' || pattern[0] == 'G')) { /* EXAONE's "LLLG" */
        return pattern[reader->layer % strlen(pattern)] == 'L';
    }
    if (has(reader, HF_ALL_SLIDE)) {
        return true;
    }
    if (reader->family->full_every > 0) {
        return every > 0 && (reader->layer + 1) % every != 0;
    }
    return hf_flag(reader, "use_sliding_window", false) &&
           reader->layer >= hf_count(reader, "max_window_layers", 0);
}

void hf_window(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t window =
        hf_count(reader, "sliding_window|sliding_window_size|attention_window_size", 0);
    bool listed = hf_layer_type(reader) != NULL;
    bool slides = listed ? hf_type_is(reader, "sliding_attention|sliding|local|local_attention")
                         : slides_by_rule(reader);
    keys->window = slides ? window : 0;
    if (hf_type_is(reader, "chunked_attention")) {
        keys->chunk = hf_count(reader, "attention_chunk_size", 0);
    }
}

static enum query_key_norm norm_of_queries(struct hf_reader *reader)
{
    if (has(reader, HF_QK_HEAD)) {
        return hf_flag(reader, "use_qk_norm", true) ? QK_NORM_HEAD : QK_NORM_NONE;
    }
    if (has(reader, HF_QK_HEADS)) {
        return hf_flag(reader, "use_qk_norm|qk_layernorm", true) ? QK_NORM_HEADS : QK_NORM_NONE;
    }
    return hf_flag(reader, "use_qk_norm|qk_layernorm|qk_norm", false) ? QK_NORM_HEAD : QK_NORM_NONE;
}

/* The class's per_layer_config, {"5": {"head_dim": 512, ...}}: what a layer has of its own. */
static void own_size(struct hf_reader *reader, const struct node *own, const char *key,
                     uint32_t *size)
{
    const struct node *value = own == NULL ? NULL : node_get(own, key);
    *size = value != NULL && value->kind == NODE_SCALAR ? hf_node_count(value) : *size;
    (void)reader;
}

void hf_own_sizes(struct hf_reader *reader, struct llm_keys *keys)
{
    const struct node *all = hf_node(reader, "per_layer_config");
    const char *number = arena_printf(reader->expansion->arena, "%u", reader->layer);
    const struct node *own = all == NULL ? NULL : node_get(all, number);
    own_size(reader, own, "head_dim", &keys->head_size);
    own_size(reader, own, "num_key_value_heads", &keys->kv_heads);
    own_size(reader, own, "num_attention_heads", &keys->query_heads);
}

void hf_attention(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_GQA;
    keys->query_heads = hf_count(reader, "num_attention_heads|n_head|n_heads|num_heads", 0);
    keys->kv_heads = hf_count(reader, "num_key_value_heads|num_kv_heads|attn_config.kv_n_heads",
                              keys->query_heads);
    uint32_t heads = keys->query_heads > 0 ? keys->query_heads : 1;
    keys->head_size =
        hf_count(reader, "head_dim|kv_channels|attention_head_dim", reader->hidden / heads);
    bool said = hf_flag(reader, "attention_bias|use_bias|bias", false);
    keys->gqa.query_bias = keys->gqa.kv_bias =
        has(reader, HF_QKV_BIAS) ? hf_flag(reader, "qkv_bias|attention_bias", true)
                                 : said || hf_flag(reader, "qkv_bias|use_qkv_bias", false);
    keys->gqa.out_bias =
        has(reader, HF_OUT_BIAS) || (!has(reader, HF_OUT_UNBIASED) && !has(reader, HF_QKV_BIAS) &&
                                     hf_flag(reader, "attention_out_bias", said));
    keys->gqa.norm = norm_of_queries(reader);
    keys->gqa.sinks = has(reader, HF_SINKS);
    keys->gqa.gated_output = has(reader, HF_GATED_OUTPUT);
    hf_own_sizes(reader, keys);
    keys->gqa.head_gate = has(reader, HF_HEAD_GATE);
    keys->gqa.plain_position = has(reader, HF_PLAIN_ROPE);
    hf_window(reader, keys);
}

void hf_dense(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->experts.count = keys->experts.per_token = 0;
    keys->shared_ffn_hidden = 0;
    keys->gated_ffn = !has(reader, HF_UNGATED);
    keys->ffn_hidden =
        hf_count(reader,
                 "dense_intermediate_size|intermediate_size|ffn_dim|n_inner|ffn_hidden_size|"
                 "block_ff_dim",
                 has(reader, HF_UNGATED) ? 4 * reader->hidden : 0);
    keys->ffn.bias =
        has(reader, HF_FFN_BIAS) || hf_flag(reader, "mlp_bias|use_mlp_bias|use_bias|bias", false);
}

/* Jamba's period, ERNIE's first, last and every so many, Step3's list as a text. */
static bool is_sparse_by_period(struct hf_reader *reader)
{
    uint32_t layer = reader->layer, period = hf_count(reader, "expert_layer_period", 0);
    uint32_t interval = hf_count(reader, "moe_layer_interval", 0);
    if (period > 0) {
        return layer % period == hf_count(reader, "expert_layer_offset", 0);
    }
    if (interval > 0 || hf_has(reader, "moe_layer_start_index")) {
        double last = hf_number(reader, "moe_layer_end_index", -1.0);
        return (interval == 0 || (layer + 1) % interval == 0) &&
               layer >= hf_count(reader, "moe_layer_start_index", 0) &&
               (last < 0.0 || layer <= last);
    }
    const struct node *list = hf_node(reader, "moe_layers_enum");
    if (list != NULL && list->kind == NODE_SCALAR) {
        const char *at = list->text, *word = arena_printf(reader->expansion->arena, "%u", layer);
        for (size_t length = 0; *at != '\0'; at += length + (at[length] == ',')) {
            length = strcspn(at, ",");
            if (strlen(word) == length && strncmp(at, word, length) == 0) {
                return true;
            }
        }
        return false;
    }
    return true;
}

bool hf_is_sparse(struct hf_reader *reader)
{
    uint32_t layer = reader->layer;
    const struct node *types = hf_node(reader, "mlp_layer_types");
    const struct node *freq = hf_node(reader, "moe_layer_freq");
    if (types != NULL && types->kind == NODE_LIST && layer < types->count) {
        const char *type = hf_text(reader, "mlp_layer_types");
        return type != NULL && strcmp(type, "dense") != 0;
    }
    if (hf_has(reader, "moe_layers")) {
        return hf_lists(reader, "moe_layers", layer);
    }
    if (freq != NULL && freq->kind == NODE_LIST) {
        return hf_flag(reader, "moe_layer_freq", true);
    }
    uint32_t every =
        hf_count(reader, "decoder_sparse_step|interleave_moe_layer_step|moe_every_n_layers", 1);
    uint32_t each = hf_count(reader, "moe_layer_freq", 1);
    return !hf_lists(reader, "mlp_only_layers|dense_layers", layer) && every > 0 &&
           (layer + 1) % every == 0 && each > 0 && layer % each == 0 &&
           layer >= hf_count(reader,
                             "first_k_dense_replace|num_dense_layers|moe_first_k_dense|"
                             "first_dense_layers",
                             0) &&
           is_sparse_by_period(reader);
}

static const char *const EXPERTS =
    "n_routed_experts|num_local_experts|num_experts|moe_num_experts|ffn_config.moe_num_experts";

void hf_experts(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t dense = hf_count(reader, "intermediate_size|ffn_config.ffn_hidden_size", 0);
    keys->gated_ffn = !has(reader, HF_UNGATED);
    keys->experts.count = hf_count(reader, EXPERTS, 0);
    keys->experts.per_token =
        hf_count(reader,
                 "num_experts_per_tok|num_experts_per_token|moe_topk|moe_top_k|moe_k|"
                 "top_k_experts|ffn_config.moe_top_k|num_selected_experts",
                 0);
    uint32_t groups = hf_count(reader, "n_group|num_expert_group", 0);
    uint32_t chosen = hf_count(reader, "topk_group", 0);
    bool grouped = groups > 1 && chosen > 0 && chosen < groups;
    keys->experts.groups = grouped ? groups : 0;
    keys->experts.groups_per_token = grouped ? chosen : 0;
    keys->ffn_hidden =
        hf_count(reader, "moe_intermediate_size|expert_ffn_hidden_size|moe_ffn_hidden_size", dense);
    uint32_t each = hf_count(
        reader, "n_shared_experts|num_shared_experts|moe_num_shared_experts|num_shared_expert", 0);
    keys->shared_ffn_hidden =
        hf_count(reader,
                 "shared_expert_intermediate_size|moe_shared_expert_intermediate_size|"
                 "shared_intermediate_size|share_expert_dim",
                 each * keys->ffn_hidden);
    keys->ffn.shared_gate = has(reader, HF_SHARED_GATE);
    keys->ffn.router_bias = has(reader, HF_ROUTER_BIAS);
    keys->ffn.shared_bias = hf_flag(reader, "mlp_bias|use_bias", false);
    keys->ffn.bias = keys->ffn.clamp = has(reader, HF_FFN_BIAS); /* gpt-oss alone */
}

/* A dense family's file with experts is of a model that its name does not say. */
static void refuse_experts(struct hf_reader *reader)
{
    static const char *const names[] = {"num_local_experts", "num_experts", "n_routed_experts",
                                        "moe_num_experts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (hf_count(reader, names[i], 0) > 1) {
            hf_refuse(reader, names[i],
                      arena_printf(reader->expansion->arena,
                                   "the model has experts, and the layers of '%s' have none; its "
                                   "model_type is another's, or write a YAML file (cpsim describe "
                                   "model)",
                                   reader->family->type));
        }
    }
}

void hf_ffn(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t experts = hf_count(reader, EXPERTS, 0);
    if (has(reader, HF_DENSE) && experts > 1) {
        refuse_experts(reader);
    }
    if (experts > 1 && hf_is_sparse(reader)) {
        hf_experts(reader, keys);
    } else {
        hf_dense(reader, keys);
    }
}

void hf_norms(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->norm = has(reader, HF_LAYER_NORM)   ? NORM_LAYER
                 : has(reader, HF_PLAIN_NORM) ? NORM_PLAIN
                                              : NORM_RMS;
    keys->norms = has(reader, HF_FOUR_NORMS) ? 4 : 0;
    keys->parallel_blocks = has(reader, HF_PARALLEL);
}

void hf_standard_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    hf_ffn(reader, keys);
    hf_norms(reader, keys);
}

void hf_latent(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_LATENT;
    uint32_t heads = hf_count(reader, "num_attention_heads", 1);
    keys->latent = (struct latent){
        .query_heads = heads,
        .query_rank = hf_count(reader, "q_lora_rank", 0),
        .kv_rank = hf_count(reader, "kv_lora_rank", 0),
        .rope_size = hf_count(reader, "qk_rope_head_dim", 0),
        .nope_size = hf_count(reader, "qk_nope_head_dim", 0),
        .value_head_size = hf_count(reader, "v_head_dim", reader->hidden / (heads > 0 ? heads : 1)),
        .bias = hf_flag(reader, "attention_bias", false),
        .head_gate = has(reader, HF_HEAD_GATE),
    };
    /* A layer may share the tokens that one before it chose (GLM-5.1's index_topk_pattern). */
    const char *indexer = hf_text(reader, "indexer_types");
    if (hf_has(reader, "index_topk") && (indexer == NULL || strcmp(indexer, "shared") != 0)) {
        keys->latent.indexer = (struct indexer){.heads = hf_count(reader, "index_n_heads", 0),
                                                .head_size = hf_count(reader, "index_head_dim", 0),
                                                .top_k = hf_count(reader, "index_topk", 0)};
    }
}

void hf_gated_delta(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_DELTA;
    uint32_t heads = hf_count(reader, "num_attention_heads", 1);
    uint32_t keys_heads = hf_count(reader, "linear_num_key_heads", heads);
    uint32_t key_size =
        hf_count(reader, "linear_key_head_dim",
                 hf_whole(0.75 * reader->hidden / (keys_heads > 0 ? keys_heads : 1)));
    keys->delta = (struct delta){
        .key_heads = keys_heads,
        .value_heads = hf_count(reader, "linear_num_value_heads", heads),
        .key_size = key_size,
        .value_size = hf_count(reader, "linear_value_head_dim", 2 * key_size),
        .convolution = hf_count(reader, "linear_conv_kernel_dim", 4),
    };
}

void hf_kimi_delta(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_DELTA;
    uint32_t heads = hf_count(reader, "linear_attn_config.num_heads|linear_num_heads", 0);
    uint32_t size = hf_count(reader, "linear_attn_config.head_dim|linear_head_dim", 0);
    keys->delta = (struct delta){
        .key_heads = heads,
        .value_heads = heads,
        .key_size = size,
        .value_size = size,
        .convolution =
            hf_count(reader, "linear_attn_config.short_conv_kernel_size|linear_conv_kernel_dim", 4),
        .channel_decay = true,
        .decay_rank = size,
        .gate_rank = size,
    };
}

void hf_mamba(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_STATE_SPACE;
    uint32_t inner = hf_whole(hf_number(reader, "mamba_expand|expand", 2.0) * reader->hidden);
    keys->state_space = (struct state_space){
        .heads = hf_count(reader, "mamba_intermediate_size", inner),
        .head_size = 1,
        .state_size = hf_count(reader, "mamba_d_state|state_size", 16),
        .convolution = hf_count(reader, "mamba_d_conv|conv_kernel", 4),
        .step_rank = hf_count(reader, "mamba_dt_rank|time_step_rank", (reader->hidden + 15) / 16),
        .bias = hf_flag(reader, "mamba_proj_bias|use_bias", false),
        .out_bias = hf_flag(reader, "mamba_proj_bias|use_bias", false),
        .convolution_bias = hf_flag(reader, "mamba_conv_bias|use_conv_bias", true),
    };
}

void hf_mamba2(struct hf_reader *reader, struct llm_keys *keys)
{
    keys->mixer = MIXER_STATE_SPACE;
    uint32_t inner =
        hf_count(reader, "mamba_d_ssm",
                 hf_whole(hf_number(reader, "mamba_expand|expand", 2.0) * reader->hidden));
    uint32_t heads = hf_count(reader, "mamba_n_heads|mamba_num_heads|n_mamba_heads", 128);
    keys->state_space = (struct state_space){
        .heads = heads,
        .head_size = hf_count(reader, "mamba_d_head|mamba_head_dim|mamba_headdim",
                              inner / (heads > 0 ? heads : 1)),
        .state_size = hf_count(reader, "mamba_d_state|ssm_state_size|state_size", 128),
        .convolution = hf_count(reader, "mamba_d_conv|conv_kernel", 4),
        .groups = hf_count(reader, "mamba_n_groups|mamba_ngroups|n_groups", 1),
        .bias = hf_flag(reader, "mamba_proj_bias|use_bias", false),
        .out_bias = hf_flag(reader, "mamba_proj_bias|use_bias", false),
        .convolution_bias = hf_flag(reader, "mamba_conv_bias|use_conv_bias", true),
        .norm = true,
    };
}
