/* SPDX-License-Identifier: MIT */
#include "models/layout/replica.h"

#include "models/layout/placement.h"
#include "models/numeric/whole.h"

struct group_shape replica_group(const struct replica *replica, enum group group)
{
    struct placement placement = placement_of(replica->layout, replica->cluster, STAGES_INSIDE);
    return placement_group_shape(&placement, group);
}

struct routing replica_routing(const struct replica *replica)
{
    struct routing routing = replica->routing;
    routing.ranks = layout_experts(replica->layout);
    struct group_shape group = replica_group(replica, GROUP_EXPERT);
    routing.nodes = (uint32_t)divide_up(group.ranks, group.ranks_per_node);
    return routing;
}

bool replica_shares_experts(const struct replica *replica)
{
    return layout_sharers(replica->layout) > 1 ||
           (replica->splits_tokens && layout_experts(replica->layout) > 1);
}

double replica_own_tokens(const struct replica *replica, double tokens)
{
    return tokens / replica->layout->tensor;
}

double replica_token_ranks(const struct replica *replica)
{
    const struct layout *layout = replica->layout;
    double contexts = layout_experts_over_data(layout) ? layout->context : 1.0;
    return layout_sharers(layout) * contexts;
}

uint32_t replica_heads(const struct replica *replica, uint32_t heads)
{
    return (uint32_t)divide_up(heads, replica->layout->tensor);
}

uint64_t slice_rank_tokens(const struct batch_slice *slice, uint32_t context)
{
    if (slice->phase == PHASE_DECODE) {
        return slice->new_tokens * context_decode_tokens(slice->sequences, context);
    }
    return slice->sequences * context_prefill_tokens(slice->new_tokens, context);
}

uint64_t replica_rank_tokens(const struct replica *replica, const struct batch *batch)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        tokens += slice_rank_tokens(&batch->slices[i], replica->layout->context);
    }
    return tokens;
}
