/* SPDX-License-Identifier: MIT */
#include "models/architecture/llm.h"

/* Of all layers: the sum of what `of` says of each tensor that `counts` picks. */
static double layers_sum(const struct llm *llm, double (*of)(const struct weight *),
                         bool (*counts)(const struct weight *))
{
    double sum = 0.0;
    for (uint32_t kind = 0; kind < llm->stack.kind_count; kind++) {
        struct weight_list list;
        layer_kind_weights(&llm->stack.kinds[kind], llm->hidden, &list);
        double elements = 0.0;
        for (uint32_t i = 0; i < list.count; i++) {
            elements += counts(&list.items[i]) ? of(&list.items[i]) : 0.0;
        }
        sum += stack_kind_layers(&llm->stack, kind, 0, llm->stack.layers) * elements;
    }
    return sum;
}

static bool is_product(const struct weight *weight)
{
    return weight->product;
}

static bool is_of_attention(const struct weight *weight)
{
    return weight->product && weight->class == WEIGHT_ATTENTION;
}

double llm_product_weights(const struct llm *llm)
{
    return layers_sum(llm, weight_elements, is_product);
}

double llm_met_weights(const struct llm *llm)
{
    return layers_sum(llm, weight_active_elements, is_product);
}

double llm_attention_weights(const struct llm *llm)
{
    return layers_sum(llm, weight_elements, is_of_attention);
}

double llm_embedding_weights(const struct llm *llm)
{
    struct llm_counts counts = llm_count(llm);
    return counts.embedding + counts.other_embedding + counts.head;
}

double llm_weights(const struct llm *llm)
{
    return llm_count(llm).total;
}

double llm_active_weights(const struct llm *llm)
{
    return llm_count(llm).active;
}

bool llm_has_super_weight(const struct llm *llm, const struct super_weight *weight)
{
    const struct stack *stack = &llm->stack;
    return weight->layer < stack->layers && weight->row < llm->hidden &&
           weight->column < stack->kinds[stack_kind(stack, weight->layer)].ffn.hidden;
}

size_t llm_super_weights(const struct llm *llm)
{
    size_t count = 0;
    for (size_t i = 0; i < llm->super_weight_count; i++) {
        count += llm_has_super_weight(llm, &llm->super_weights[i]);
    }
    return count;
}

double llm_layer_flops(const struct llm *llm, uint32_t kind, double new_tokens,
                       double cached_tokens)
{
    const struct layer_kind *of = &llm->stack.kinds[kind];
    struct weight_list list;
    layer_kind_weights(of, llm->hidden, &list);
    double met = 0.0, flops = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        met += list.items[i].product ? weight_active_elements(&list.items[i]) : 0.0;
    }
    for (uint32_t i = 0; i < of->mixer_count; i++) {
        const struct mixer *mixer = &of->mixers[i];
        flops += mixer_rows[mixer->kind]->flops(mixer, new_tokens, cached_tokens);
    }
    return flops + 2.0 * met * new_tokens;
}

double llm_forward_flops(const struct llm *llm, double new_tokens, double cached_tokens)
{
    double flops = 0.0;
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        flops += stack_kind_layers(&llm->stack, i, 0, llm->stack.layers) *
                 llm_layer_flops(llm, i, new_tokens, cached_tokens);
    }
    return flops;
}
