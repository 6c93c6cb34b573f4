/* SPDX-License-Identifier: MIT */
#include "models/architecture/llm.h"

double llm_attention_weights(const struct llm *llm)
{
    double hidden = llm->hidden;
    double query_columns = (double)llm->query_heads * llm->head_size;
    double kv_columns = (double)llm->kv_heads * llm->head_size;
    return 2.0 * hidden * query_columns + 2.0 * hidden * kv_columns;
}

/* With so many of the experts. */
static double ffn_weights(const struct llm *llm, double experts)
{
    double matrices = (llm->gated_ffn ? 3.0 : 2.0) * llm->hidden;
    return matrices * (experts * llm->ffn_hidden + llm->shared_ffn_hidden) +
           (double)llm->hidden * llm->experts.count;
}

double llm_ffn_weights(const struct llm *llm)
{
    return ffn_weights(llm, llm->experts.count > 0 ? llm->experts.count : 1.0);
}

double llm_active_ffn_weights(const struct llm *llm)
{
    return ffn_weights(llm, llm->experts.count > 0 ? llm->experts.per_token : 1.0);
}

double llm_embedding_weights(const struct llm *llm)
{
    return (llm->tied_embedding ? 1.0 : 2.0) * llm->vocabulary * llm->hidden;
}

static double all_weights(const struct llm *llm, double ffn_weights)
{
    double norms = (2.0 * llm->layers + 1.0) * llm->hidden;
    return llm->layers * (llm_attention_weights(llm) + ffn_weights) + llm_embedding_weights(llm) +
           norms;
}

double llm_weights(const struct llm *llm)
{
    return all_weights(llm, llm_ffn_weights(llm));
}

double llm_active_weights(const struct llm *llm)
{
    return all_weights(llm, llm_active_ffn_weights(llm));
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
    double linear = 2.0 * (llm_attention_weights(llm) + llm_active_ffn_weights(llm)) * new_tokens;
    double pairs = new_tokens * cached_tokens + new_tokens * new_tokens / 2.0;
    double attention = 4.0 * llm->query_heads * llm->head_size * pairs;
    return llm->layers * (linear + attention);
}
