/* SPDX-License-Identifier: MIT
 * Ring all-reduce, all-gather and reduce-scatter: each of n members passes n-th parts round, n - 1
 * steps a time round; an all-reduce goes round twice. Over several nodes there are as many rings as
 * members a node, each leaving the node by its own NIC, so a NIC carries its ring's part only. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool applies(const struct collective_context *context)
{
    enum collective_kind kind = context->call->kind;
    return kind == COLLECTIVE_ALL_REDUCE || kind == COLLECTIVE_ALL_GATHER ||
           kind == COLLECTIVE_REDUCE_SCATTER;
}

static void plan_ring(const struct collective_context *context, enum protocol protocol,
                      struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct protocol_constants *constants = &context->library->protocol[protocol];
    double ranks = call->group.ranks;
    double ranks_per_node = call->group.ranks_per_node;
    double nodes = group_nodes(&call->group);
    double rounds = call->kind == COLLECTIVE_ALL_REDUCE ? 2.0 : 1.0;
    double steps = rounds * (ranks - 1.0);
    double part = call->bytes / ranks;

    /* A part crosses the fabric wherever its ring leaves a node. */
    double fabric_steps = nodes > 1.0 ? fmin(steps, rounds * nodes) : 0.0;
    plan->latency_seconds = constants->base_seconds +
                            (steps - fabric_steps) * constants->node_hop_seconds +
                            fabric_steps * collective_fabric_hop_seconds(context, protocol);
    if (constants->last_copy_bytes_per_second > 0.0) {
        plan->latency_seconds += part / constants->last_copy_bytes_per_second;
    }
    if (protocol == PROTOCOL_SIMPLE) {
        plan->latency_seconds += collective_skew_seconds(context, steps * part);
    }
    if (ranks_per_node > 1.0) {
        /* Of a node's members, one a ring hands over to the NIC instead. */
        double inside = nodes > 1.0 ? (ranks_per_node - 1.0) / ranks_per_node : 1.0;
        collective_add_node_flow(context, protocol, steps * part * inside,
                                 constants->payload_bytes_per_second, plan);
    }
    if (nodes > 1.0) {
        plan->latency_seconds +=
            collective_fabric_spread_seconds(context, steps * part / ranks_per_node);
        collective_add_fabric_flow(context, EDGE_FABRIC_NEXT, protocol,
                                   steps * part / ranks_per_node, 1, plan);
    }
}

const struct collective_policy collective_ring = {
    .name = "ring",
    .launch = LAUNCH_COLLECTIVE,
    .protocols = PROTOCOLS_ALL,
    .applies = applies,
    .plan = plan_ring,
};
