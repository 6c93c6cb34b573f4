/* SPDX-License-Identifier: MIT
 * Families of latent attention: DeepSeek and its kin. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

/* DeepSeek-V2, V3, V3.2, Kimi K2, GLM-5, and others like them. */
void hf_deepseek_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_latent(reader, keys);
    hf_ffn(reader, keys);
    hf_norms(reader, keys);
    /* Only the class of DeepSeek-V2 follows mlp_bias. */
    bool follows = strcmp(reader->family->type, "deepseek_v2") == 0;
    keys->ffn.bias &= follows;
    keys->ffn.shared_bias &= follows;
}

void hf_minicpm3_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_latent(reader, keys);
    hf_dense(reader, keys);
}

/* A norm after the experts. */
void hf_axk1_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_deepseek_layer(reader, keys);
    keys->norms = keys->experts.count > 0 ? 3 : 2;
}

/* Layer types of the class and of the published file (compress_ratios: 0, 4, 128). */
static uint32_t ratio_of(struct hf_reader *reader)
{
    const struct node *ratios = hf_node(reader, "compress_ratios");
    if (ratios != NULL && ratios->kind == NODE_LIST) {
        return hf_count(reader, "compress_ratios", 0);
    }
    /* The class begins with two of the one kind, then takes turns. */
    bool listed = hf_layer_type(reader) != NULL;
    bool odd = reader->layer >= 2 && reader->layer % 2 == 1;
    if (listed ? hf_type_is(reader, "heavily_compressed_attention") : !odd) {
        return hf_count(reader, "compress_rates.heavily_compressed_attention", 128);
    }
    if (!listed || hf_type_is(reader, "compressed_sparse_attention")) {
        return hf_count(reader, "compress_rates.compressed_sparse_attention", 4);
    }
    return 0;
}

void hf_deepseek_v4_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t ratio = ratio_of(reader);
    bool dense_index = hf_layer_type(reader) != NULL
                           ? hf_type_is(reader, "heavily_compressed_attention")
                           : ratio > 16;
    keys->mixer = MIXER_COMPRESSED;
    keys->compressed = (struct compressed){
        .query_heads = hf_count(reader, "num_attention_heads", 0),
        .head_size = hf_count(reader, "head_dim", 0),
        .rope_size = hf_count(reader, "qk_rope_head_dim", 0),
        .query_rank = hf_count(reader, "q_lora_rank", 0),
        .out_groups = hf_count(reader, "o_groups", 0),
        .out_rank = hf_count(reader, "o_lora_rank", 0),
        .ratio = ratio,
        .window = hf_count(reader, "sliding_window", 0),
    };
    if (keys->compressed.rope_size == 0) {
        double part = hf_number(reader, "partial_rotary_factor", 0.125);
        keys->compressed.rope_size = hf_whole(part * keys->compressed.head_size);
    }
    if (ratio > 0 && !dense_index) {
        keys->compressed.indexer =
            (struct indexer){.heads = hf_count(reader, "index_n_heads", 0),
                             .head_size = hf_count(reader, "index_head_dim", 0),
                             .top_k = hf_count(reader, "index_topk", 0)};
    }
    hf_experts(reader, keys);
    const char *type = hf_text(reader, "mlp_layer_types");
    bool hashed = type != NULL ? strncmp(type, "hash", 4) == 0
                               : reader->layer < hf_count(reader, "num_hash_layers", 3);
    keys->ffn.router = hashed ? ROUTER_HASH : ROUTER_LEARNED;
    keys->shared_ffn_hidden = keys->ffn_hidden;
    keys->streams = hf_count(reader, "hc_mult", 4);
}

/* What reads the last layer's streams. */
void hf_deepseek_v4_model(struct hf_reader *reader)
{
    uint64_t streams = hf_count(reader, "hc_mult", 4);
    reader->llm->other_weights = streams * streams * reader->hidden + streams + 1;
}

/* Two attentions and two dense blocks a layer, experts beside the first of them: two layers here.
 */
void hf_longcat_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_latent(reader, keys);
    uint32_t dense = hf_count(reader, "ffn_hidden_size", 0);
    if (reader->layer % 2 == 1) {
        keys->ffn_hidden = dense;
        keys->gated_ffn = true;
        return;
    }
    hf_experts(reader, keys);
    keys->dense_beside_hidden = dense;
    keys->ffn.zero_experts = hf_count(reader, "zero_expert_num", 0);
    keys->ffn.router_bias = hf_flag(reader, "router_bias", false);
}

void hf_longcat_model(struct hf_reader *reader)
{
    reader->layers *= 2;
}

/* Ling and Ring 2.5: latent attention every layer_group_size layers, between them Kimi delta
 * attention without low ranks, heads as wide as head_dim. */
void hf_bailing_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t group = hf_count(reader, "layer_group_size", 6);
    bool full = hf_layer_type(reader) != NULL ? !hf_type_is(reader, "linear_attention")
                                              : group > 0 && (reader->layer + 1) % group == 0;
    if (full) {
        hf_latent(reader, keys);
    } else {
        uint32_t heads = hf_count(reader, "linear_num_heads|num_attention_heads", 0);
        /* The class writes the rope part as head_dim, and keeps the width under another name. */
        uint32_t size = hf_count(reader, "linear_head_dim|head_dim", 128);
        keys->mixer = MIXER_DELTA;
        keys->delta = (struct delta){
            .key_heads = heads,
            .value_heads = heads,
            .key_size = size,
            .value_size = size,
            .convolution = hf_count(reader, "linear_conv_kernel_dim|short_conv_kernel_size", 4),
            .channel_decay = true};
    }
    hf_ffn(reader, keys);
}

/* Numbers from 1 in the published file, layer_types in the class's. */
void hf_kimi_linear_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool full = hf_layer_type(reader) != NULL ? !hf_type_is(reader, "linear_attention")
                : hf_has(reader, "linear_attn_config.full_attn_layers")
                    ? hf_lists(reader, "linear_attn_config.full_attn_layers", reader->layer + 1)
                    : reader->layer > 0 && reader->layer % 4 == 0;
    if (full) {
        hf_latent(reader, keys);
    } else {
        hf_kimi_delta(reader, keys);
    }
    hf_ffn(reader, keys);
}

/* GLM-5-Next: Kimi delta attention, and latent attention over keys pooled for its indexer. */
void hf_glm5_next_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool linear = hf_layer_type(reader) != NULL ? hf_type_is(reader, "linear_attention")
                                                : reader->layer % 4 != 3;
    if (linear) {
        hf_kimi_delta(reader, keys);
    } else {
        hf_latent(reader, keys);
        if (keys->latent.indexer.heads > 0) {
            keys->latent.indexer.pool = hf_count(reader, "index_kpool", 0);
        }
    }
    hf_ffn(reader, keys);
    keys->streams = hf_count(reader, "hc_mult", 4);
}
