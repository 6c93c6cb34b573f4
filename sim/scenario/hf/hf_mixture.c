/* SPDX-License-Identifier: MIT
 * Families of experts over grouped-query attention whose files have words of their own. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

/* Rotary layers attend in chunks; experts' size is intermediate_size, a dense block's another. */
void hf_llama4_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t interval = hf_count(reader, "no_rope_layer_interval", 4);
    const struct node *listed = hf_node(reader, "no_rope_layers");
    bool rope = listed != NULL && listed->kind == NODE_LIST && listed->count > 0
                    ? hf_flag(reader, "no_rope_layers", true)
                    : interval > 0 && (reader->layer + 1) % interval != 0;
    hf_attention(reader, keys);
    keys->gqa.norm = QK_NORM_NONE; /* without weights */
    keys->gqa.plain_position = !rope;
    bool chunked = hf_layer_type(reader) != NULL ? hf_type_is(reader, "chunked_attention") : rope;
    keys->chunk = chunked ? hf_count(reader, "attention_chunk_size", 8192) : 0;
    hf_ffn(reader, keys);
    uint32_t size = hf_count(reader, "intermediate_size", 0);
    if (keys->experts.count > 0) {
        keys->ffn_hidden = keys->shared_ffn_hidden = size;
    } else {
        keys->ffn_hidden = hf_count(reader, "intermediate_size_mlp", size);
    }
}

void hf_dbrx_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    hf_experts(reader, keys);
    keys->ffn_hidden = hf_count(reader, "ffn_config.ffn_hidden_size", 0);
}

/* Queries and output are experts' too. */
void hf_jetmoe_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    hf_experts(reader, keys);
    keys->gqa.experts = keys->experts;
    keys->gqa.out_bias = true;
    keys->query_heads = keys->kv_heads * keys->experts.per_token;
    keys->ffn.output_bias = true;
}

/* Experts beside a dense block, which has a norm of its own. */
void hf_arctic_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    uint32_t every = hf_count(reader, "moe_layer_frequency", 2);
    uint32_t size = hf_count(reader, "intermediate_size", 0);
    bool sparse = every > 0 && (reader->layer + 1) % every == 0;
    if (!sparse) {
        hf_dense(reader, keys);
        return;
    }
    hf_experts(reader, keys);
    if (hf_flag(reader, "parallel_attn_mlp_res|use_residual", true)) {
        keys->dense_beside_hidden = reader->hidden;
        keys->norms = 3;
    }
    keys->ffn_hidden = size;
}

/* Values narrower than keys; layers that slide have twice the keys and values, and sinks. */
void hf_mimo_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool sliding = hf_layer_type(reader) != NULL ? hf_type_is(reader, "sliding_attention")
                   : hf_has(reader, "hybrid_layer_pattern")
                       ? hf_flag(reader, "hybrid_layer_pattern", false)
                       : reader->layer > 0 && (reader->layer + 1) % 6 != 0;
    hf_attention(reader, keys);
    keys->gqa.value_head_size = hf_count(reader, "v_head_dim", keys->head_size);
    keys->window = 0;
    if (sliding) {
        keys->query_heads = hf_count(reader, "swa_num_attention_heads", keys->query_heads);
        keys->kv_heads = hf_count(reader, "swa_num_key_value_heads", 2 * keys->kv_heads);
        keys->head_size = hf_count(reader, "swa_head_dim", keys->head_size);
        keys->gqa.value_head_size = hf_count(reader, "swa_v_head_dim", keys->gqa.value_head_size);
        /* The published sliding_window_size leaves out the token itself. */
        bool published = hf_has(reader, "sliding_window_size") && !hf_has(reader, "layer_types");
        keys->window = published ? hf_count(reader, "sliding_window_size", 127) + 1
                                 : hf_count(reader, "sliding_window", 128);
    }
    bool full_sinks = hf_flag(reader, "add_full_attention_sink_bias", false);
    keys->gqa.sinks = sliding ? hf_flag(reader, "add_swa_attention_sink_bias", true) : full_sinks;
    if (hf_has(reader, "mlp_layer_types|moe_layer_freq") ? hf_is_sparse(reader)
                                                         : reader->layer > 0) {
        hf_experts(reader, keys);
    } else {
        hf_dense(reader, keys);
    }
}

void hf_minimax_m3_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool sparse = hf_layer_type(reader) != NULL
                      ? hf_type_is(reader, "minimax_m3_sparse")
                      : hf_has(reader, "sparse_attention_config.sparse_attention_freq") &&
                            hf_item_flag(reader, "sparse_attention_config.sparse_attention_freq");
    hf_standard_layer(reader, keys);
    if (sparse) {
        uint32_t block =
            hf_count(reader, "sparse_attention_config.sparse_block_size|index_block_size", 128);
        keys->gqa.indexer = (struct indexer){
            .heads =
                hf_count(reader, "sparse_attention_config.sparse_num_index_heads|index_n_heads", 4),
            .head_size =
                hf_count(reader, "sparse_attention_config.sparse_index_dim|index_head_dim", 128),
            .top_k = block *
                     (hf_count(reader,
                               "sparse_attention_config.sparse_topk_blocks|index_topk_blocks", 16) +
                      hf_count(reader,
                               "sparse_attention_config.sparse_local_block|index_local_blocks", 1)),
            .block = block};
    }
    if (keys->experts.count > 0) {
        keys->ffn_hidden = hf_count(reader, "intermediate_size", 0);
        keys->shared_ffn_hidden = hf_count(reader, "shared_intermediate_size", 0);
    }
}

/* Step3: queries through a rank, keys and values of few wide heads. */
void hf_step3_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    (void)keys;
    hf_refuse(reader, NULL,
              "'step3_text' projects queries through a rank beside shared keys and values "
              "(multi-matrix factorization attention), which cpsim does not model");
}

/* Step 3.5 and 3.7: other head counts in sliding layers, a gate a head. */
void hf_step35_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    if (keys->window > 0) {
        keys->query_heads = hf_count(
            reader, "num_sliding_attention_heads|attention_other_setting.num_attention_heads",
            keys->query_heads);
        keys->kv_heads =
            hf_count(reader, "attention_other_setting.num_attention_groups", keys->kv_heads);
    }
    keys->kv_heads = hf_has(reader, "num_key_value_heads")
                         ? keys->kv_heads
                         : hf_count(reader, "num_attention_groups", keys->kv_heads);
    keys->gqa.norm = QK_NORM_HEAD;
    keys->gqa.head_gate = hf_flag(reader, "use_head_wise_attn_gate", true);
    bool listed = hf_has(reader, "mlp_layer_types|moe_layers_enum");
    if (listed ? hf_is_sparse(reader) : reader->layer >= 3) {
        hf_experts(reader, keys);
        keys->shared_ffn_hidden =
            hf_count(reader, "share_expert_dim|share_expert_dims", keys->shared_ffn_hidden);
    } else {
        hf_dense(reader, keys);
    }
}

void hf_laguna_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    keys->query_heads = hf_count(reader, "num_attention_heads_per_layer", keys->query_heads);
    const char *gating = hf_text(reader, "gating");
    bool all = gating != NULL && strcmp(gating, "per-element") == 0;
    keys->gqa.head_gate = !all;
    keys->gqa.gated_output = all;
    if (hf_has(reader, "mlp_layer_types") ? hf_is_sparse(reader) : reader->layer > 0) {
        hf_experts(reader, keys);
    } else {
        hf_dense(reader, keys);
    }
}

/* The shared block is as wide as one expert for each that is shared. */
void hf_hunyuan_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    if (keys->experts.count > 0) {
        keys->shared_ffn_hidden = hf_count(reader, "num_shared_expert", 1) * keys->ffn_hidden;
    }
}

void hf_cohere_moe_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t first = hf_count(reader, "first_k_dense_replace", 0);
    hf_standard_layer(reader, keys);
    if (hf_layer_type(reader) == NULL) {
        uint32_t every = reader->layer < first
                             ? hf_count(reader, "prefix_dense_sliding_window_pattern", 1)
                             : hf_count(reader, "sliding_window_pattern", 4);
        uint32_t at = reader->layer < first ? reader->layer : reader->layer - first;
        bool sliding = every > 0 && (at + 1) % every != 0;
        keys->window = sliding ? hf_count(reader, "sliding_window", 4096) : 0;
    }
    uint32_t size = hf_count(reader, "intermediate_size", 0);
    if (keys->experts.count > 0) {
        keys->ffn_hidden = size;
        keys->shared_ffn_hidden = size * hf_count(reader, "num_shared_experts", 0);
    } else {
        keys->ffn_hidden = hf_count(reader, "prefix_dense_intermediate_size", size);
    }
}

/* Grok-1: four norms; the expert's width is two thirds of widening_factor x hidden, to eights. */
void hf_grok_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->norms = 4;
}

/* One dense layer first where the file does not say. */
void hf_exaone_moe_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
}
