/* SPDX-License-Identifier: MIT
 * Dense families whose files have words of their own. */
#include "sim/scenario/hf/hf_families.h"

void hf_falcon_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool grouped = hf_flag(reader, "new_decoder_architecture", false);
    bool parallel = grouped || hf_flag(reader, "parallel_attn", true);
    bool bias = hf_flag(reader, "bias", false);
    hf_attention(reader, keys);
    if (!grouped) {
        keys->kv_heads = hf_flag(reader, "multi_query", true) ? 1 : keys->query_heads;
    }
    keys->head_size = reader->hidden / (keys->query_heads > 0 ? keys->query_heads : 1);
    keys->gqa.query_bias = keys->gqa.kv_bias = keys->gqa.out_bias = bias;
    keys->gqa.plain_position = hf_flag(reader, "alibi", false);
    hf_dense(reader, keys);
    keys->ffn_hidden = hf_count(reader, "ffn_hidden_size", 4 * reader->hidden);
    keys->ffn.bias = bias;
    keys->norm = NORM_LAYER;
    keys->parallel_blocks = parallel;
    keys->norms =
        parallel && !(grouped && hf_count(reader, "num_ln_in_parallel_attn", 2) == 2) ? 1 : 2;
}

void hf_mpt_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_attention(reader, keys);
    keys->gqa.plain_position = true;
    keys->ffn_hidden = hf_whole(hf_number(reader, "expansion_ratio", 4.0) * reader->hidden);
    (void)hf_has(reader, "no_bias|attn_config.attn_type");
}

void hf_gpt_bigcode_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->kv_heads = hf_flag(reader, "multi_query", true) ? 1 : keys->query_heads;
}

/* Biases unless enable_bias says no; norms have weights unless layer_norm_elementwise_affine. */
void hf_opt_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool bias = hf_flag(reader, "enable_bias", true);
    hf_standard_layer(reader, keys);
    keys->gqa.query_bias = keys->gqa.kv_bias = keys->gqa.out_bias = bias;
    keys->ffn.bias = bias;
    if (!hf_flag(reader, "layer_norm_elementwise_affine", true)) {
        keys->norm = NORM_PLAIN;
    }
}

void hf_opt_model(struct hf_reader *reader)
{
    uint32_t size = hf_count(reader, "word_embed_proj_dim", 0);
    reader->llm->embedding_size = size == reader->hidden ? 0 : size;
    reader->llm->positions = hf_count(reader, "max_position_embeddings", 0) + 2;
    reader->llm->no_final_norm = !hf_flag(reader, "do_layer_norm_before", true) ||
                                 hf_flag(reader, "_remove_final_layer_norm", false);
}

void hf_bitnet_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->gqa.output_norm = true;
    keys->ffn.inner_norm = true;
}

void hf_stablelm_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->gqa.query_bias = keys->gqa.kv_bias = hf_flag(reader, "use_qkv_bias", false);
    keys->gqa.out_bias = false;
    keys->gqa.norm = hf_flag(reader, "qk_layernorm", false) ? QK_NORM_HEADS : QK_NORM_NONE;
    keys->parallel_blocks = hf_flag(reader, "use_parallel_residual", false);
}

/* Two norms even where its halves are parallel. */
void hf_gpt_neox_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    bool bias = hf_flag(reader, "attention_bias", true);
    keys->gqa.query_bias = keys->gqa.kv_bias = keys->gqa.out_bias = bias;
    keys->parallel_blocks = hf_flag(reader, "use_parallel_residual", true);
    keys->norms = 2;
}

void hf_persimmon_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->gqa.norm = hf_flag(reader, "qk_layernorm", true) ? QK_NORM_HEAD : QK_NORM_NONE;
    keys->gqa.norm_bias = keys->gqa.norm != QK_NORM_NONE;
}

/* The activation has two weights. */
void hf_apertus_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->scalars = 2;
}

/* ChatGLM 2 and 3, GLM-4 9B, as they were first published. */
void hf_chatglm_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool bias = hf_flag(reader, "add_bias_linear", false);
    hf_attention(reader, keys);
    keys->kv_heads = hf_flag(reader, "multi_query_attention", false)
                         ? hf_count(reader, "multi_query_group_num", 1)
                         : keys->query_heads;
    keys->gqa.query_bias = keys->gqa.kv_bias = bias || hf_flag(reader, "add_qkv_bias", false);
    keys->gqa.out_bias = bias;
    hf_dense(reader, keys);
    keys->ffn.bias = bias;
    keys->norm = hf_flag(reader, "rmsnorm", true) ? NORM_RMS : NORM_LAYER;
}

/* Qwen 1: intermediate_size counts gate and up together. */
void hf_qwen1_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->ffn_hidden = hf_count(reader, "intermediate_size", 0) / 2;
    keys->gqa.query_bias = keys->gqa.kv_bias = true;
    keys->gqa.out_bias = keys->ffn.bias = !hf_flag(reader, "no_bias", true);
}

/* `bias` is of all four projections of attention, in InternLM 3 qkv_bias of three. */
void hf_internlm_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->gqa.query_bias = keys->gqa.kv_bias = keys->gqa.out_bias = hf_flag(reader, "bias", true);
    keys->ffn.bias = false;
}

void hf_internlm3_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    bool bias = hf_flag(reader, "bias|attention_bias", false);
    hf_standard_layer(reader, keys);
    keys->gqa.query_bias = keys->gqa.kv_bias = bias || hf_flag(reader, "qkv_bias", false);
    keys->gqa.out_bias = bias;
}

/* Norms after each half where use_post_norm says so. */
void hf_hyperclovax_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->norms = hf_flag(reader, "use_post_norm", true) ? 4 : 2;
}

/* One of four layers sees all, from the first. */
void hf_granite_swa_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    if (hf_layer_type(reader) == NULL) {
        keys->window = reader->layer % 4 == 0 ? 0 : hf_count(reader, "sliding_window", 128);
    }
}

/* Layers without rotary embedding are those that slide, where any do. */
void hf_smollm3_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    uint32_t interval = hf_count(reader, "no_rope_layer_interval", 4);
    bool rope = hf_has(reader, "no_rope_layers")
                    ? hf_flag(reader, "no_rope_layers", true)
                    : interval > 0 && (reader->layer + 1) % interval != 0;
    hf_standard_layer(reader, keys);
    keys->gqa.plain_position = !rope;
    if (hf_layer_type(reader) == NULL) {
        bool slides = hf_flag(reader, "use_sliding_window", false) && !rope;
        keys->window = slides ? hf_count(reader, "sliding_window", 0) : 0;
    }
}

/* Every other layer attends in a window. */
void hf_gpt_neo_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    const char *type = hf_text(reader, "attention_layers");
    bool local = type != NULL ? type[0] == 'l' : reader->layer % 2 == 1;
    keys->window = local ? hf_count(reader, "window_size", 256) : 0;
}

/* Norms of queries and keys, where there are any, have a bias. */
void hf_phi_layer(struct hf_reader *reader, struct llm_keys *keys)
{
    hf_standard_layer(reader, keys);
    keys->gqa.norm_bias = keys->gqa.norm != QK_NORM_NONE;
}
