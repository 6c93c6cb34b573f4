/* SPDX-License-Identifier: MIT
 * Gemma 3n and 4: layers that use an earlier layer's keys and values, inputs of a token's own in
 * every layer. */
#include "sim/scenario/hf/hf_families.h"

/* Layers from here on have no keys and values of their own. */
static bool borrows(struct hf_reader *reader, uint32_t layers)
{
    uint32_t shared = hf_count(reader, "num_kv_shared_layers", 0);
    return shared > 0 && reader->layer + shared >= layers;
}

static bool is_global(struct hf_reader *reader, uint32_t every)
{
    /* Gemma 4 makes its last layer see all. */
    bool last = every == 6 && reader->layer + 1 == reader->layers;
    return hf_layer_type(reader) != NULL ? hf_type_is(reader, "full_attention") || last
                                         : (reader->layer + 1) % every == 0 || last;
}

static void attention(struct hf_reader *reader, struct llm_keys *keys, uint32_t every)
{
    hf_attention(reader, keys);
    keys->window = is_global(reader, every) ? 0 : hf_count(reader, "sliding_window", 512);
    keys->gqa.borrows_cache = borrows(reader, reader->layers);
}

void hf_gemma3n_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t streams = hf_count(reader, "altup_num_inputs", 4);
    attention(reader, keys, 5);
    hf_dense(reader, keys);
    keys->norms = 6; /* four, LAuReL's, the per-layer input's */
    keys->branch_ranks[0] = hf_count(reader, "hidden_size_per_layer_input", 256);
    keys->branch_ranks[1] = hf_count(reader, "laurel_rank", 64);
    /* AltUp: a scale and a norm of the router's input, its product, two tables of coefficients. */
    keys->scalars = (2 + streams) * reader->hidden + streams * streams * (streams + 1);
}

void hf_gemma3n_model(struct hf_reader *reader)
{
    uint64_t streams = hf_count(reader, "altup_num_inputs", 4);
    reader->llm->layer_embeddings = hf_count(reader, "hidden_size_per_layer_input", 256);
    reader->llm->layer_vocabulary = hf_count(reader, "vocab_size_per_layer_input", 262144);
    reader->llm->other_weights =
        streams == 0 ? 0 : 2 * (streams - 1) * reader->hidden * (uint64_t)reader->hidden;
}

static void global_sizes(struct hf_reader *reader, struct llm_keys *keys)
{
    bool same = hf_flag(reader, "attention_k_eq_v", false);
    keys->head_size = hf_count(reader, "global_head_dim", 512);
    if (same) {
        keys->kv_heads = hf_count(reader, "num_global_key_value_heads", keys->kv_heads);
    }
    hf_own_sizes(reader, keys);
    keys->gqa.keys_are_values = same;
}

void hf_gemma4_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    attention(reader, keys, 6);
    if (is_global(reader, 6)) {
        global_sizes(reader, keys);
    }
    hf_dense(reader, keys);
    uint32_t dense = keys->ffn_hidden;
    if (keys->gqa.borrows_cache && hf_flag(reader, "use_double_wide_mlp", false)) {
        dense *= 2;
    }
    keys->ffn_hidden = dense;
    keys->norms = 4;
    if (hf_flag(reader, "enable_moe_block", false)) {
        hf_experts(reader, keys);
        keys->dense_beside_hidden = dense;
        keys->norms = 7;
        keys->scalars = reader->hidden + keys->experts.count; /* the router's scales */
    }
    keys->branch_ranks[0] = hf_count(reader, "hidden_size_per_layer_input", 0);
    keys->norms += keys->branch_ranks[0] > 0 ? 1 : 0;
}

void hf_gemma4_model(struct hf_reader *reader)
{
    reader->llm->layer_embeddings = hf_count(reader, "hidden_size_per_layer_input", 0);
    if (reader->llm->layer_embeddings > 0) {
        reader->llm->layer_vocabulary = hf_count(reader, "vocab_size_per_layer_input", 262144);
    }
}
