/* SPDX-License-Identifier: MIT */
#include "models/llm.h"

double llm_attention_weights(const struct llm *llm)
{
    double hidden = llm->hidden;
    double query_columns = (double)llm->query_heads * llm->head_size;
    double kv_columns = (double)llm->kv_heads * llm->head_size;
    return 2.0 * hidden * query_columns + 2.0 * hidden * kv_columns;
}

double llm_ffn_weights(const struct llm *llm)
{
    return (llm->gated_ffn ? 3.0 : 2.0) * llm->hidden * llm->ffn_hidden;
}

double llm_embedding_weights(const struct llm *llm)
{
    return (llm->tied_embedding ? 1.0 : 2.0) * llm->vocabulary * llm->hidden;
}

double llm_weights(const struct llm *llm)
{
    double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    return llm->layers * (llm_attention_weights(llm) + llm_ffn_weights(llm)) +
           llm_embedding_weights(llm) + norms;
}

bool llm_has_super_weight(const struct llm *llm, const struct super_weight *weight)
{
    return weight->layer < llm->layers && weight->row < llm->hidden &&
           weight->column < llm->ffn_hidden;
}

size_t llm_super_weights(const struct llm *llm)
{
    size_t count = 0;
    for (size_t i = 0; i < llm->super_weight_count; i++) {
        count += llm_has_super_weight(llm, &llm->super_weights[i]);
    }
    return count;
}

double llm_forward_flops(const struct llm *llm, double new_tokens, double cached_tokens)
{
    double linear = 2.0 * (llm_attention_weights(llm) + llm_ffn_weights(llm)) * new_tokens;
    double pairs = new_tokens * cached_tokens + new_tokens * new_tokens / 2.0;
    double attention = 4.0 * llm->query_heads * llm->head_size * pairs;
    return llm->layers * (linear + attention);
}
