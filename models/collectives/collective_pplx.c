/* SPDX-License-Identifier: MIT
 * Tokens to their experts and back by pplx-kernels (github.com/ppl-ai/pplx-kernels): a row for each
 * expert goes straight to the expert's rank, over NVLink in the node and by RDMA to others, on a
 * connection to each of them, which is slower than a card where there are few. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool applies(const struct collective_context *context)
{
    const struct collective_call *call = context->call;
    return (call->kind == COLLECTIVE_DISPATCH || call->kind == COLLECTIVE_COMBINE) &&
           call->experts.kind == EXCHANGE_PEERS;
}

/* Holds what leaves the node, of so many payload bytes, to its connections' rate. */
static void limit_peers(const struct collective_context *context, const struct exchange_way *way,
                        double payload, struct collective_plan *plan)
{
    const struct group_shape *group = &context->call->group;
    double rate = way->peer_bytes_per_second * (group->ranks - group->ranks_per_node);
    for (uint32_t i = 0; i < plan->flow_count && rate > 0.0; i++) {
        struct collective_flow *flow = &plan->flows[i];
        double limit = flow->bytes / (payload / rate);
        flow->limit_bytes_per_second =
            flow->limit_bytes_per_second > 0.0 ? fmin(flow->limit_bytes_per_second, limit) : limit;
    }
}

static void plan_exchange(const struct collective_context *context, enum protocol protocol,
                          struct collective_plan *plan)
{
    (void)protocol;
    const struct collective_call *call = context->call;
    const struct experts_traffic *traffic = &call->experts;
    const struct exchange_library *library = &context->exchange->peers;
    const struct exchange_way *way =
        call->kind == COLLECTIVE_DISPATCH ? &library->dispatch : &library->combine;
    double nodes = group_nodes(&call->group);
    double bytes = traffic->tokens * traffic->imbalance * traffic->copies * traffic->token_bytes;
    double fabric = bytes * (nodes - 1.0) / nodes * (1.0 - traffic->kept_near);
    double efficiency = way->fabric_efficiency > 0.0 ? way->fabric_efficiency
                                                     : context->exchange->fabric_efficiency;
    plan->latency_seconds = way->base_seconds;
    if (fabric > 0.0) {
        plan->latency_seconds += way->fabric_seconds;
        collective_add_shift_flows(context, fabric, efficiency, plan);
        limit_peers(context, way, fabric, plan);
    }
    double inside = bytes - fabric;
    if (inside > 0.0) {
        collective_add_node_flow(context, PROTOCOL_SIMPLE, inside, way->node_bytes_per_second,
                                 plan);
    }
}

const struct collective_policy collective_pplx = {
    .name = "pplx",
    .custom = true,
    .launch = LAUNCH_CUSTOM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = applies,
    .plan = plan_exchange,
};
