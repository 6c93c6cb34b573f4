/* SPDX-License-Identifier: MIT
 * Families of linear attention and state spaces, with attention in some layers. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

static bool attends(struct hf_reader *reader)
{
    return hf_type_is(reader, "full_attention|attention|sliding_attention|full_attn");
}

/* Qwen3-Next, Qwen3.5: every full_attention_interval-th layer attends. */
void hf_qwen3_next_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t every = hf_count(reader, "full_attention_interval", 4);
    bool full = hf_layer_type(reader) != NULL ? attends(reader)
                                              : every > 0 && (reader->layer + 1) % every == 0;
    if (full) {
        hf_attention(reader, keys);
        keys->gqa.gate_bias = keys->gqa.gated_output && keys->gqa.query_bias;
    } else {
        hf_gated_delta(reader, keys);
    }
    hf_ffn(reader, keys);
    hf_norms(reader, keys);
}

/* Of five layers two are linear, two slide, one sees all. */
void hf_lara_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    static const char pattern[] = "LSLFS";
    char type = hf_layer_type(reader) == NULL ? pattern[reader->layer % 5]
                : attends(reader)             ? 'F'
                                              : 'L';
    if (type == 'L') {
        hf_gated_delta(reader, keys);
    } else {
        hf_attention(reader, keys);
    }
    if (type == 'S') {
        keys->window = hf_count(reader, "sliding_window", 512);
    }
    hf_ffn(reader, keys);
}

/* The delta layers norm before each half, the attention layers after: two each. */
void hf_olmo_hybrid_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_layer_type(reader) != NULL ? attends(reader) : reader->layer % 4 == 3;
    if (full) {
        hf_attention(reader, keys);
    } else {
        hf_gated_delta(reader, keys);
    }
    hf_dense(reader, keys);
}

static const char *const MAMBA_TYPES = "mamba|mamba2|linear_attention";

/* Granite 4: Mamba-2, attention in some layers; experts and a shared block in each, or the shared
 * block alone. */
void hf_granite_hybrid_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    if (hf_layer_type(reader) == NULL || hf_type_is(reader, MAMBA_TYPES)) {
        hf_mamba2(reader, keys);
    } else {
        hf_attention(reader, keys);
    }
    if (hf_count(reader, "num_local_experts", 0) > 0) {
        hf_experts(reader, keys);
    } else {
        hf_dense(reader, keys);
        keys->ffn_hidden = hf_count(reader, "shared_intermediate_size", keys->ffn_hidden);
    }
}

void hf_bamba_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_has(reader, "attn_layer_indices")
                    ? hf_lists(reader, "attn_layer_indices", reader->layer)
                    : attends(reader);
    if (full) {
        hf_attention(reader, keys);
    } else {
        hf_mamba2(reader, keys);
    }
    hf_dense(reader, keys);
}

/* Attention and Mamba-2 side by side in every layer. */
void hf_falcon_h1_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_mamba2(reader, keys);
    keys->state_space.norm = hf_flag(reader, "mamba_rms_norm", false);
    keys->state_space.out_bias = hf_flag(reader, "projectors_bias", false);
    hf_attention(reader, keys);
    keys->mixer_beside = 1 + MIXER_STATE_SPACE;
    hf_dense(reader, keys);
}

void hf_jamba_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t period = hf_count(reader, "attn_layer_period", 8);
    bool full =
        hf_layer_type(reader) != NULL
            ? attends(reader)
            : period > 0 && reader->layer % period == hf_count(reader, "attn_layer_offset", 4);
    if (full) {
        hf_attention(reader, keys);
    } else {
        hf_mamba(reader, keys);
        keys->state_space.norm = true;
    }
    hf_ffn(reader, keys);
}

/* A layer is one part: M mamba, * attention, - block, E experts. */
static char nemotron_part(struct hf_reader *reader)
{
    const char *pattern = hf_text(reader, "hybrid_override_pattern");
    if (hf_layer_type(reader) == NULL && pattern != NULL) {
        return reader->layer < strlen(pattern) ? pattern[reader->layer] : 'M';
    }
    return hf_type_is(reader, MAMBA_TYPES) ? 'M'
           : attends(reader)               ? '*'
           : hf_type_is(reader, "moe")     ? 'E'
                                           : '-';
}

void hf_nemotron_h_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    char part = nemotron_part(reader);
    keys->mixer = MIXER_NONE;
    if (part == 'M') {
        hf_mamba2(reader, keys);
        keys->state_space.bias = keys->state_space.out_bias = hf_flag(reader, "use_bias", false);
    } else if (part == '*') {
        hf_attention(reader, keys);
        keys->gqa.query_bias = keys->gqa.kv_bias = keys->gqa.out_bias = false;
    } else if (part == 'E') {
        hf_experts(reader, keys);
        keys->ffn.latent = hf_count(reader, "moe_latent_size", 0);
        bool bias = hf_flag(reader, "mlp_bias", false);
        keys->ffn.bias = false;
        keys->ffn.shared_bias = bias;
        keys->scalars = bias && keys->ffn.latent > 0 ? keys->ffn.latent + reader->hidden : 0;
    } else {
        hf_dense(reader, keys);
        keys->ffn.bias = hf_flag(reader, "mlp_bias", false);
    }
    keys->gated_ffn = false;
    keys->norms = 1;
}

static uint32_t hybrids_before(struct hf_reader *reader)
{
    uint32_t here = reader->layer, count = 0;
    for (reader->layer = 0; reader->layer < here; reader->layer++) {
        count += hf_type_is(reader, "hybrid");
    }
    reader->layer = here;
    return count;
}

/* Mamba-2; in some layers a block of attention and feed-forward, one of num_mem_blocks that take
 * turns, gives it an input. What such a layer adds to its block is its own. */
void hf_zamba2_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_mamba2(reader, keys);
    keys->state_space.bias = keys->state_space.out_bias = hf_flag(reader, "add_bias_linear", false);
    keys->state_space.convolution_bias = true;
    keys->norms = 1;
    if (!hf_type_is(reader, "hybrid")) {
        return;
    }
    uint32_t heads = hf_count(reader, "num_attention_heads", 1);
    uint32_t rank = hf_count(reader, "adapter_rank", 128);
    keys->mixer = MIXER_GQA;
    keys->mixer_beside = 1 + MIXER_STATE_SPACE;
    keys->query_heads = heads;
    keys->kv_heads = hf_count(reader, "num_key_value_heads", heads);
    keys->head_size = 2 * reader->hidden / (heads > 0 ? heads : 1);
    keys->gqa.input = 2 * reader->hidden;
    keys->gqa.adapter_rank = hf_flag(reader, "use_shared_attention_adapter", false) ? rank : 0;
    keys->gqa.plain_position = !hf_flag(reader, "use_mem_rope", false);
    hf_dense(reader, keys);
    keys->ffn.bias = hf_flag(reader, "add_bias_linear", false);
    keys->ffn.adapter_rank = rank;
    keys->input_projection = true;
    keys->borrowed = hybrids_before(reader) >= hf_count(reader, "num_mem_blocks", 1);
    keys->norms = keys->borrowed ? 1 : 4; /* one of twice hidden, one before the block */
}

void hf_mamba_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_mamba(reader, keys);
    keys->norms = 1;
}

void hf_falcon_mamba_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_mamba_layer(reader, keys);
}

void hf_mamba2_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_mamba2(reader, keys);
    keys->state_space.heads = hf_count(reader, "num_heads", 128);
    keys->state_space.head_size = hf_count(reader, "head_dim", 64);
    keys->norms = 1;
}

/* Gated short convolutions; attention where full_attn_idxs says. The block's width is cut to two
 * thirds and rounded up. */
void hf_lfm2_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_layer_type(reader) != NULL ? attends(reader)
                : hf_has(reader, "full_attn_idxs")
                    ? hf_lists(reader, "full_attn_idxs", reader->layer)
                    : true;
    if (full) {
        hf_attention(reader, keys);
    } else {
        keys->mixer = MIXER_CONVOLUTION;
        keys->convolution = (struct convolution){.width = reader->hidden,
                                                 .taps = hf_count(reader, "conv_L_cache", 3),
                                                 .bias = hf_flag(reader, "conv_bias", false)};
    }
    hf_ffn(reader, keys);
    bool adjust = hf_flag(reader, "block_auto_adjust_ff_dim", false);
    uint32_t multiple = hf_count(reader, "block_multiple_of", 256);
    double by = hf_number(reader, "block_ffn_dim_multiplier", 1.0);
    if (keys->experts.count == 0) {
        keys->ffn_hidden = hf_count(reader, "block_ff_dim", keys->ffn_hidden);
    }
    if (adjust && keys->experts.count == 0 && multiple > 0) {
        uint32_t width = 2 * keys->ffn_hidden / 3;
        width = hf_whole(by * width);
        keys->ffn_hidden = multiple * ((width + multiple - 1) / multiple);
    }
    keys->ffn.bias = false;
}

void hf_recurrent_gemma_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_layer_type(reader) != NULL ? hf_type_is(reader, "attention|sliding_attention")
                                              : reader->layer % 3 == 2;
    if (full) {
        hf_attention(reader, keys);
        keys->gqa.query_bias = keys->gqa.kv_bias = hf_flag(reader, "attention_bias", false);
        keys->gqa.out_bias = true;
        keys->window = hf_count(reader, "attention_window_size|sliding_window", 2048);
    } else {
        keys->mixer = MIXER_RECURRENT;
        keys->recurrent = (struct recurrent){.width = hf_count(reader, "lru_width", reader->hidden),
                                             .heads = hf_count(reader, "num_attention_heads", 1),
                                             .convolution = hf_count(reader, "conv1d_width", 4)};
    }
    keys->ffn_hidden = hf_count(reader, "intermediate_size", 0) / 2;
    keys->gated_ffn = true;
    keys->ffn.bias = true;
}

/* MiniMax-Text-01 and M1: lightning attention in seven of eight layers; attn_type_list in the
 * published file, 1 attends. */
void hf_minimax_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_layer_type(reader) != NULL      ? attends(reader)
                : hf_has(reader, "attn_type_list") ? hf_flag(reader, "attn_type_list", true)
                                                   : (reader->layer + 1) % 2 != 0;
    hf_attention(reader, keys);
    if (!full) {
        keys->linear = (struct linear){.heads = keys->query_heads, .head_size = keys->head_size};
        struct linear linear = keys->linear;
        *keys = (struct llm_keys){.mixer = MIXER_LINEAR, .linear = linear};
    }
    hf_experts(reader, keys);
}
