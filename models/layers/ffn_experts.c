/* SPDX-License-Identifier: MIT
 * Experts in a layer's passes. The router chooses, rows are sorted by expert, go through two
 * grouped products and are added up again, weighted. Every tensor rank has a part of every expert.
 * A fused stack gathers rows while it multiplies (vLLM, fused_moe.py); others copy them. */
#include "models/layers/ffn_block.h"

#include <math.h>

static bool is_shared_gated(const struct ffn *ffn)
{
    return ffn->gated && !ffn->shared_plain;
}

/* Experts that a token really goes to: of those chosen, some give it back as it is. */
static struct experts real_experts(const struct ffn *ffn)
{
    struct experts experts = ffn->experts;
    if (ffn->zero_experts > 0) {
        double share = (double)experts.count / (experts.count + ffn->zero_experts);
        experts.per_token = (uint32_t)fmax(1.0, round(share * experts.per_token));
    }
    return experts;
}

static void experts_half(const struct replica *replica, const struct ffn *ffn, struct half *half)
{
    double element = format_bytes(replica->precision->activations);
    uint64_t rows = real_experts(ffn).per_token;
    uint64_t outer = ffn->latent > 0 ? ffn->latent : replica->llm->hidden;
    uint64_t choices = ffn->experts.count + ffn->zero_experts;
    struct weight_list list = {.count = 0};
    ffn_rows[FFN_EXPERTS].weights(ffn, replica->llm->hidden, &list);

    if (ffn->router == ROUTER_LEARNED) {
        half_product(half, &list, "router", false);
    }
    half_pointwise(half, "choose experts", MEMORY_QUANTISE_ROW, choices, element, element);
    half_pointwise(half, "sort by expert", MEMORY_COPY, 1, 2.0 * sizeof(uint32_t), 0.0)->copies =
        rows;
    if (ffn->latent > 0) {
        half_product(half, &list, "latent down", false);
    }
    if (!replica->software->fused_kernels) {
        half_pointwise(half, "gather rows", MEMORY_COPY, outer, 2.0 * element, 2.0 * element)
            ->copies = rows;
    }
    struct ffn_block experts = {.up = ffn->gated ? "experts gate+up" : "experts up",
                                .down = "experts down",
                                .inner = ffn->hidden,
                                .gated = ffn->gated,
                                .copies = rows};
    uint32_t first = half->count;
    ffn_block_half(replica, &experts, &list, half);
    for (uint32_t i = first; i < half->count; i++) {
        half->ops[i].weight.experts = real_experts(ffn);
    }
    half_pointwise(half, "add experts", MEMORY_COPY, outer, ((double)rows + 1.0) * element,
                   ((double)rows + 1.0) * element);
    if (ffn->latent > 0) {
        half_product(half, &list, "latent up", false);
    }
    if (ffn->shared_hidden > 0) {
        struct ffn_block shared = {.up = is_shared_gated(ffn) ? "shared gate+up" : "shared up",
                                   .down = "shared down",
                                   .inner = ffn->shared_hidden,
                                   .gated = is_shared_gated(ffn)};
        if (ffn->shared_gate) {
            half_product(half, &list, "shared gate", false);
        }
        ffn_block_half(replica, &shared, &list, half);
    }
}

/* Rows between the halves of their experts, and the experts' inputs and outputs. */
static double experts_working_bytes(const struct replica *replica, const struct ffn *ffn,
                                    double tokens)
{
    double rows = tokens * real_experts(ffn).per_token;
    double inner = (double)divide_up(ffn->hidden, replica->layout->tensor);
    double outer = ffn->latent > 0 ? ffn->latent : replica->llm->hidden;
    double element = format_bytes(replica->precision->activations);
    return rows * (ffn->gated ? 3.0 : 2.0) * inner * element + 2.0 * rows * outer * element;
}

const struct ffn_passes ffn_experts_passes = {
    .half = experts_half,
    .working_bytes = experts_working_bytes,
};
