/* SPDX-License-Identifier: MIT
 * All-to-all: a member sends an n-th of its buffer to each other member, all at once, and copies
 * its own. Over the fabric every peer is a connection of its own, so together they fill the NIC.
 * What other rails of a remote node are to get goes over NVLink there (NCCL's PXN), which never
 * binds. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool applies(const struct collective_context *context)
{
    return context->call->kind == COLLECTIVE_ALL_TO_ALL;
}

static void plan_all_to_all(const struct collective_context *context, enum protocol protocol,
                            struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct collective_library *library = context->library;
    const struct group_shape *group = &call->group;
    double share = call->bytes / group->ranks;
    double node_bytes = share * (group->ranks_per_node - 1.0);
    bool simple = protocol == PROTOCOL_SIMPLE;
    plan->latency_seconds = library->p2p.base_seconds;
    if (simple) {
        plan->latency_seconds += library->p2p.simple_seconds +
                                 share / library->p2p.self_bytes_per_second +
                                 collective_skew_seconds(context, node_bytes);
    }
    if (node_bytes > 0.0) {
        double peers = group->ranks_per_node - 1.0;
        collective_add_node_flow(context, protocol, node_bytes,
                                 simple ? library->p2p.simple_bytes_per_second
                                        : library->p2p.ll_bytes_per_second * peers,
                                 plan);
    }
    if (group->ranks > group->ranks_per_node) {
        plan->latency_seconds += collective_fabric_hop_seconds(context, PROTOCOL_LL);
        collective_add_shift_flows(context, share * (group->ranks - group->ranks_per_node),
                                   library->fabric_efficiency, plan);
    }
}

const struct collective_policy collective_all_to_all = {
    .name = "all-to-all",
    .launch = LAUNCH_ALL_TO_ALL,
    .protocols = 1 << PROTOCOL_LL | 1 << PROTOCOL_SIMPLE,
    .applies = applies,
    .plan = plan_all_to_all,
};
