/* SPDX-License-Identifier: MIT
 * DeepEP's two modes (models/collectives/collective_deepep.c). Tensor ranks each send their part of
 * the tokens. */
#include "models/layers/exchange.h"

static struct step_operator make(const struct replica *replica, const struct exchange_call *call,
                                 bool low_latency)
{
    double token_bytes = exchange_token_bytes(replica, call);
    double copies = call->experts.per_token;
    struct step_operator op = exchange_collective(
        replica, call, GROUP_EXPERT, call->combine ? COLLECTIVE_COMBINE : COLLECTIVE_DISPATCH,
        call->tokens * copies * token_bytes);
    const struct group_shape *group = &op.collective.call.group;
    double nodes = (double)group->ranks / group->ranks_per_node;
    op.collective.call.experts = (struct experts_traffic){
        .tokens = call->tokens,
        .token_bytes = token_bytes,
        .hidden = call->elements,
        .copies = copies,
        .ranks = experts_destinations(call->experts, group->ranks),
        .nodes = experts_destinations(call->experts, nodes),
        .experts = call->experts.count,
        .imbalance = exchange_imbalance(replica, call),
        .kept_near = 1.0 - experts_remote(call->experts, replica_routing(replica), low_latency),
        .low_latency = low_latency,
    };
    return op;
}

static struct step_operator make_normal(const struct replica *replica,
                                        const struct exchange_call *call)
{
    return make(replica, call, false);
}

static struct step_operator make_low_latency(const struct replica *replica,
                                             const struct exchange_call *call)
{
    return make(replica, call, true);
}

const struct exchange_row exchange_normal_row = {
    .arrival = ARRIVAL_TOKENS,
    .whole_experts = true,
    .operator= make_normal,
};

const struct exchange_row exchange_low_latency_row = {
    .arrival = ARRIVAL_SORTED,
    .whole_experts = true,
    .operator= make_low_latency,
};
