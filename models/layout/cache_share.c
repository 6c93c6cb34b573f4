/* SPDX-License-Identifier: MIT */
#include "models/layout/cache_share.h"

#include "models/layout/model_stage.h"

#include <math.h>

struct cache_share cache_share_of(const struct replica *replica, uint32_t head_parts, uint32_t rank)
{
    const struct layout *layout = replica->layout;
    uint32_t tensor = rank % layout->tensor;
    uint32_t context = rank / layout->tensor % layout->context;
    uint32_t stage = rank / layout->tensor / layout->context;
    uint32_t copies = layout->tensor / head_parts, part = tensor / copies;
    struct model_stage own = model_stage(replica->llm, layout->pipeline, stage);
    double layers = replica->llm->stack.layers;
    return (struct cache_share){
        .begin = {(double)part / head_parts, (double)context / layout->context,
                  own.first_layer / layers},
        .end = {(part + 1.0) / head_parts, (context + 1.0) / layout->context,
                (own.first_layer + own.layers) / layers},
        .copy = tensor % copies,
        .copies = copies,
    };
}

double cache_share_sent(const struct cache_share *from, const struct cache_share *to)
{
    /* Whose place among those that hold the same is the same (SGLang,
     * disaggregation/common/conn.py, _resolve_rank_mapping()). */
    uint32_t sender = (uint32_t)((uint64_t)to->copy * from->copies / to->copies);
    double volume = from->copy == sender ? 1.0 : 0.0;
    for (int side = 0; side < CACHE_SIDES; side++) {
        double begin = fmax(from->begin[side], to->begin[side]);
        volume *= fmax(0.0, fmin(from->end[side], to->end[side]) - begin);
    }
    return volume;
}
