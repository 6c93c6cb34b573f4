/* SPDX-License-Identifier: MIT
 * Libraries whose kernels send by themselves: DeepEP's two modes
 * (models/collectives/collective_deepep.c) and pplx-kernels (collective_pplx.c). Tensor ranks each
 * send their part of the tokens. */
#include "models/layers/exchange.h"

static struct step_operator make(const struct replica *replica, const struct exchange_call *call,
                                 enum exchange_kind kind)
{
    bool by_row = kind != EXCHANGE_NORMAL;
    double token_bytes = exchange_token_bytes(replica, call);
    double copies = call->experts.per_token;
    struct step_operator op = exchange_collective(
        replica, call, GROUP_EXPERT, call->combine ? COLLECTIVE_COMBINE : COLLECTIVE_DISPATCH,
        call->tokens * copies * token_bytes);
    const struct group_shape *group = &op.collective.call.group;
    double nodes = (double)group->ranks / group->ranks_per_node;
    struct experts_reach reach =
        experts_reach(call->experts, replica_routing(replica), group->ranks, nodes, by_row);
    op.collective.call.experts = (struct experts_traffic){
        .tokens = call->tokens,
        .token_bytes = token_bytes,
        .hidden = call->elements,
        .copies = copies,
        .ranks = reach.ranks,
        .nodes = reach.nodes,
        .experts = call->experts.count,
        .imbalance = exchange_imbalance(replica, call),
        .kept_near = reach.kept_near,
        .kind = kind,
    };
    return op;
}

static struct step_operator make_normal(const struct replica *replica,
                                        const struct exchange_call *call)
{
    return make(replica, call, EXCHANGE_NORMAL);
}

static struct step_operator make_low_latency(const struct replica *replica,
                                             const struct exchange_call *call)
{
    return make(replica, call, EXCHANGE_LOW_LATENCY);
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

static struct step_operator make_peers(const struct replica *replica,
                                       const struct exchange_call *call)
{
    return make(replica, call, EXCHANGE_PEERS);
}

const struct exchange_row exchange_peers_row = {
    .arrival = ARRIVAL_SORTED,
    .whole_experts = true,
    .operator= make_peers,
};
