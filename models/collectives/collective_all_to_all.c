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

/* Leaf switches see two shifts in place of all pairs: one by a node, of which a leaf's trunk
 * carries one node's part, and one by half the group, which crosses entirely. Their shares are such
 * that the trunk carries exactly what all pairs would send across. */
static void add_fabric_flows(const struct collective_context *context, double share,
                             struct collective_plan *plan)
{
    const struct group_shape *group = &context->call->group;
    double leaf_nodes = context->cluster->nodes_per_leaf;
    double peers = group_nodes(group) - 1.0;
    double far = 0.0;
    if (leaf_nodes > 0.0 && peers >= leaf_nodes) {
        double crossing = peers + 1.0 - leaf_nodes;
        far = leaf_nodes > 1.0 ? (crossing * leaf_nodes - peers) / (leaf_nodes - 1.0) : peers;
    }
    double node_share = share * group->ranks_per_node;
    uint32_t connections = group->ranks - group->ranks_per_node;
    if (far < peers) {
        collective_add_fabric_flow(context, EDGE_FABRIC_NEXT, PROTOCOL_SIMPLE,
                                   (peers - far) * node_share, connections, plan);
    }
    if (far > 0.0) {
        collective_add_fabric_flow(context, EDGE_FABRIC_FAR, PROTOCOL_SIMPLE, far * node_share,
                                   connections, plan);
    }
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
        add_fabric_flows(context, share, plan);
    }
}

const struct collective_policy collective_all_to_all = {
    .name = "all-to-all",
    .launch = LAUNCH_ALL_TO_ALL,
    .protocols = 1 << PROTOCOL_LL | 1 << PROTOCOL_SIMPLE,
    .applies = applies,
    .plan = plan_all_to_all,
};
