/* SPDX-License-Identifier: MIT */
#include "models/collectives/collective.h"

#include "models/collectives/collective_policy.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

static const struct collective_policy *const policies[] = {
    &collective_ring,      &collective_tree,          &collective_nvls,
    &collective_nvls_tree, &collective_one_shot,      &collective_two_shot,
    &collective_multimem,  &collective_all_to_all,    &collective_send,
    &collective_send_recv, &collective_deepep_normal, &collective_deepep_low_latency,
    &collective_pplx,
};
enum { POLICY_COUNT = sizeof policies / sizeof *policies };

static const char *const kind_names[COLLECTIVE_KIND_COUNT] = {
    [COLLECTIVE_ALL_REDUCE] = "all-reduce",
    [COLLECTIVE_ALL_GATHER] = "all-gather",
    [COLLECTIVE_REDUCE_SCATTER] = "reduce-scatter",
    [COLLECTIVE_ALL_TO_ALL] = "all-to-all",
    [COLLECTIVE_SEND_RECV] = "send-recv",
    [COLLECTIVE_SEND] = "send",
    [COLLECTIVE_DISPATCH] = "dispatch",
    [COLLECTIVE_COMBINE] = "combine",
};

static const char *const protocol_names[PROTOCOL_COUNT] = {
    [PROTOCOL_LL] = "LL",
    [PROTOCOL_LL128] = "LL128",
    [PROTOCOL_SIMPLE] = "Simple",
};

const char *collective_kind_name(enum collective_kind kind)
{
    return kind_names[kind];
}

uint32_t collective_tree_levels(const struct group_shape *group)
{
    uint32_t nodes = group->ranks / group->ranks_per_node;
    uint32_t levels = 0;
    while (nodes >> levels > 1) {
        levels++;
    }
    return levels;
}

double collective_fabric_hop_seconds(const struct collective_context *context,
                                     enum protocol protocol)
{
    const struct protocol_constants *constants = &context->library->protocol[protocol];
    return constants->fabric_hop_seconds +
           constants->fabric_crossings * context->cluster->fabric_latency_seconds;
}

static void add_flow(enum collective_edge edge, double bytes, double limit,
                     struct collective_plan *plan)
{
    plan->flows[plan->flow_count++] =
        (struct collective_flow){.edge = edge, .bytes = bytes, .limit_bytes_per_second = limit};
}

void collective_add_node_flow(const struct collective_context *context, enum protocol protocol,
                              double payload, double limit, struct collective_plan *plan)
{
    double wire =
        context->library->protocol[protocol].wire_bytes / context->library->node_efficiency;
    add_flow(EDGE_NODE_NEXT, payload * wire, limit * wire, plan);
}

double collective_skew_seconds(const struct collective_context *context, double payload)
{
    return context->library->skew_seconds * sqrt(payload / 1e6);
}

double collective_fabric_spread_seconds(const struct collective_context *context, double payload)
{
    return context->cluster->fabric_spread_seconds * sqrt(payload / 1e6);
}

static void add_fabric_flow(const struct collective_context *context, enum collective_edge edge,
                            double payload, double wire, double limit, uint32_t connections,
                            struct collective_plan *plan)
{
    double together = connections * context->cluster->connection_bytes_per_second * wire;
    if (together > 0.0 && (limit <= 0.0 || together < limit)) {
        limit = together;
    }
    add_flow(edge, payload * wire, limit, plan);
}

void collective_add_fabric_flow(const struct collective_context *context, enum collective_edge edge,
                                enum protocol protocol, double payload, uint32_t connections,
                                struct collective_plan *plan)
{
    double wire =
        context->library->protocol[protocol].wire_bytes / context->library->fabric_efficiency;
    double limit = context->library->protocol[protocol].payload_bytes_per_second * wire;
    add_fabric_flow(context, edge, payload, wire, limit, connections, plan);
}

/* A node is an inner node of one tree and a leaf of the other: with half the bytes in each it sends
 * one up and two down, and one up. Of two nodes one is the root. */
void collective_add_tree_flow(const struct collective_context *context, enum protocol protocol,
                              double levels, struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    double factor = levels > 1.0 ? 2.0 : 1.0;
    double rail_bytes = call->bytes / call->group.ranks_per_node;
    plan->latency_seconds += collective_fabric_spread_seconds(context, factor * rail_bytes);
    collective_add_fabric_flow(context, EDGE_FABRIC_NEXT, protocol, factor * rail_bytes,
                               levels > 1.0 ? 2 : 1, plan);
}

/* Leaf switches see two shifts in place of all pairs: one by a node, of which a leaf's trunk
 * carries one node's part, and one by half the group, which crosses entirely. Their shares are such
 * that the trunk carries exactly what all pairs would send across. */
void collective_add_shift_flows(const struct collective_context *context, double payload,
                                double efficiency, struct collective_plan *plan)
{
    const struct group_shape *group = &context->call->group;
    double leaf_nodes = context->cluster->nodes_per_leaf;
    double peers = group_nodes(group) - 1.0;
    double far = 0.0;
    if (leaf_nodes > 0.0 && peers >= leaf_nodes) {
        double crossing = peers + 1.0 - leaf_nodes;
        far = leaf_nodes > 1.0 ? (crossing * leaf_nodes - peers) / (leaf_nodes - 1.0) : peers;
    }
    uint32_t connections = group->ranks - group->ranks_per_node;
    if (far < peers) {
        add_fabric_flow(context, EDGE_FABRIC_NEXT, (peers - far) / peers * payload,
                        1.0 / efficiency, 0.0, connections, plan);
    }
    if (far > 0.0) {
        add_fabric_flow(context, EDGE_FABRIC_FAR, far / peers * payload, 1.0 / efficiency, 0.0,
                        connections, plan);
    }
}

/* Seconds that all flows of the plan keep one link busy, were it the only one to bind. */
struct link_load {
    double node_bytes, nic_bytes,
        trunk_bytes; /* of one GPU's NVLink, one NIC, one leaf's uplinks */
};

static struct link_load link_loads(const struct cluster *cluster,
                                   const struct collective_plan *plan)
{
    const struct group_shape *group = &plan->group;
    double nodes = group_nodes(group);
    double members_per_nic = (double)group->ranks_per_node / cluster->nics_per_node;
    if (members_per_nic < 1.0) {
        members_per_nic = 1.0;
    }
    bool crosses = cluster->nodes_per_leaf > 0 && nodes > cluster->nodes_per_leaf;
    double leaf_nodes = cluster->nodes_per_leaf;
    struct link_load load = {0};
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        double bytes = plan->flows[i].bytes;
        switch (plan->flows[i].edge) {
        case EDGE_NODE_NEXT:
            load.node_bytes += bytes;
            break;
        case EDGE_FABRIC_NEXT: /* of a leaf's nodes, one has its next under another leaf */
            load.nic_bytes += bytes * members_per_nic;
            load.trunk_bytes += crosses ? bytes * group->ranks_per_node : 0.0;
            break;
        case EDGE_FABRIC_FAR:
            load.nic_bytes += bytes * members_per_nic;
            load.trunk_bytes += crosses ? bytes * group->ranks_per_node * leaf_nodes : 0.0;
            break;
        case EDGE_RING_NEXT: /* only the last member of a node leaves it */
            load.node_bytes += group->ranks_per_node > 1 ? bytes : 0.0;
            load.nic_bytes += nodes > 1.0 ? bytes : 0.0;
            load.trunk_bytes += crosses ? bytes : 0.0;
            break;
        case EDGE_COUNT:
            break;
        }
    }
    return load;
}

double collective_seconds(const struct cluster *cluster, const struct collective_plan *plan)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        const struct collective_flow *flow = &plan->flows[i];
        if (flow->limit_bytes_per_second > 0.0) {
            seconds = fmax(seconds, flow->bytes / flow->limit_bytes_per_second);
        }
    }
    struct link_load load = link_loads(cluster, plan);
    seconds = fmax(seconds, load.node_bytes / cluster->node_bytes_per_second);
    seconds = fmax(seconds, load.nic_bytes / cluster->nic_bytes_per_second);
    if (load.trunk_bytes > 0.0) {
        double trunk = (double)cluster->nodes_per_leaf * cluster->nics_per_node *
                       cluster->nic_bytes_per_second / cluster->oversubscription;
        seconds = fmax(seconds, load.trunk_bytes / trunk);
    }
    return plan->latency_seconds + seconds;
}

/* The launch: from a graph it is a part of the call's own time; eagerly the host may be slower than
 * the GPU, and then nothing ends before it. */
static void add_launch(const struct collective_context *context,
                       const struct launch_constants *launch, struct collective_plan *plan)
{
    if (context->call->graph) {
        plan->latency_seconds += launch->graph_seconds;
        return;
    }
    plan->latency_seconds += launch->eager_seconds;
    double seconds = collective_seconds(context->cluster, plan);
    plan->latency_seconds += fmax(0.0, launch->host_seconds - seconds);
}

/* The best plan so far, its launch not yet counted: the tuner looks at the GPU's time alone. */
struct choice {
    struct collective_plan plan;
    double seconds;
    const struct collective_policy *policy; /* NULL: none yet */
};

static void consider(const struct collective_context *context,
                     const struct collective_policy *policy, struct choice *best)
{
    /* Where protocols tie, the plainest: Simple. */
    for (int protocol = PROTOCOL_COUNT - 1; protocol >= 0; protocol--) {
        if (!(policy->protocols >> protocol & 1U)) {
            continue;
        }
        struct collective_plan plan = {.algorithm = policy->name,
                                       .protocol = protocol_names[protocol],
                                       .group = context->call->group};
        policy->plan(context, (enum protocol)protocol, &plan);
        double seconds = collective_seconds(context->cluster, &plan);
        if (best->policy == NULL || seconds < best->seconds) {
            *best = (struct choice){.plan = plan, .seconds = seconds, .policy = policy};
        }
    }
}

struct collective_plan collective_plan(const struct cluster *cluster,
                                       const struct software *software,
                                       const struct collective_call *call)
{
    struct collective_context context = {.cluster = cluster,
                                         .library = &software->library,
                                         .exchange = &software->exchange,
                                         .call = call};
    struct choice best = {.plan = {.algorithm = "none", .protocol = "none", .group = call->group}};
    if (call->group.ranks <= 1 || call->bytes <= 0.0) {
        return best.plan;
    }
    for (int custom = 1; custom >= 0 && best.policy == NULL; custom--) {
        for (size_t i = 0; i < POLICY_COUNT; i++) {
            if (policies[i]->custom == (custom == 1) && policies[i]->applies(&context)) {
                consider(&context, policies[i], &best);
            }
        }
    }
    assert(best.policy != NULL && "every kind of collective has an algorithm that always applies");
    add_launch(&context, &software->launch[best.policy->launch], &best.plan);
    return best.plan;
}

double collective_bus_bandwidth(const struct collective_call *call, double seconds)
{
    double ranks = call->group.ranks;
    switch (call->kind) {
    case COLLECTIVE_ALL_REDUCE:
        return 2.0 * (ranks - 1.0) / ranks * call->bytes / seconds;
    case COLLECTIVE_ALL_GATHER:
    case COLLECTIVE_REDUCE_SCATTER:
    case COLLECTIVE_ALL_TO_ALL:
        return (ranks - 1.0) / ranks * call->bytes / seconds;
    case COLLECTIVE_SEND_RECV:
    case COLLECTIVE_SEND:
    case COLLECTIVE_DISPATCH:
    case COLLECTIVE_COMBINE:
    case COLLECTIVE_KIND_COUNT:
        break;
    }
    return call->bytes / seconds;
}

struct extrapolation collective_extrapolation(const struct collective_library *library,
                                              const struct collective_call *call)
{
    const struct fitted_check checks[] = {
        {"ranks", (double)call->group.ranks, &library->fitted_ranks},
        {"bytes", call->bytes, &library->fitted_bytes},
    };
    return fitted_first_outside(checks, sizeof checks / sizeof *checks);
}
