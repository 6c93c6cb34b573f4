/* SPDX-License-Identifier: MIT */
#include "models/architecture/llm.h"

void llm_from_keys(struct llm *llm)
{
    const struct llm_keys *keys = &llm->keys;
    bool experts = keys->experts.count > 0;
    llm->stack = (struct stack){.layers = keys->layers, .kind_count = 1};
    llm->stack.kinds[0] = (struct layer_kind){
        .name = "layers",
        .mixers = {{.kind = MIXER_GQA,
                    .gqa = {.query_heads = keys->query_heads,
                            .kv_heads = keys->kv_heads,
                            .head_size = keys->head_size}}},
        .mixer_count = 1,
        .ffn = {.kind = experts ? FFN_EXPERTS : FFN_DENSE,
                .hidden = keys->ffn_hidden,
                .gated = keys->gated_ffn,
                .experts = keys->experts,
                .shared_hidden = keys->shared_ffn_hidden},
        .residual = keys->parallel_blocks ? RESIDUAL_PARALLEL : RESIDUAL_PLAIN,
        .norms = keys->parallel_blocks ? 1 : 2,
    };
}

double llm_attention_weights(const struct llm *llm)
{
    double hidden = llm->hidden;
    double query_columns = (double)llm->keys.query_heads * llm->keys.head_size;
    double kv_columns = (double)llm->keys.kv_heads * llm->keys.head_size;
    return 2.0 * hidden * query_columns + 2.0 * hidden * kv_columns;
}

/* With so many of the experts. */
static double ffn_weights(const struct llm *llm, double experts)
{
    double matrices = (llm->keys.gated_ffn ? 3.0 : 2.0) * llm->hidden;
    return matrices * (experts * llm->keys.ffn_hidden + llm->keys.shared_ffn_hidden) +
           (double)llm->hidden * llm->keys.experts.count;
}

double llm_ffn_weights(const struct llm *llm)
{
    return ffn_weights(llm, llm->keys.experts.count > 0 ? llm->keys.experts.count : 1.0);
}

double llm_active_ffn_weights(const struct llm *llm)
{
    return ffn_weights(llm, llm->keys.experts.count > 0 ? llm->keys.experts.per_token : 1.0);
}

double llm_embedding_weights(const struct llm *llm)
{
    return (llm->tied_embedding ? 1.0 : 2.0) * llm->vocabulary * llm->hidden;
}

static double all_weights(const struct llm *llm, double ffn_weights)
{
    double norms = (2.0 * llm->keys.layers + 1.0) * llm->hidden;
    return llm->keys.layers * (llm_attention_weights(llm) + ffn_weights) +
           llm_embedding_weights(llm) + norms;
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
    return weight->layer < llm->keys.layers && weight->row < llm->hidden &&
           weight->column < llm->keys.ffn_hidden;
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
    double attention = 4.0 * llm->keys.query_heads * llm->keys.head_size * pairs;
    return llm->keys.layers * (linear + attention);
}
