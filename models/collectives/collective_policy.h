/* SPDX-License-Identifier: MIT
 * What an algorithm file offers to the table in collective.c, and the sums that they share. */
#ifndef CPSIM_MODELS_COLLECTIVES_COLLECTIVE_POLICY_H
#define CPSIM_MODELS_COLLECTIVES_COLLECTIVE_POLICY_H

#include "models/collectives/collective.h"

struct collective_context {
    const struct cluster *cluster;
    const struct collective_library *library;
    const struct experts_exchange *exchange;
    const struct collective_call *call;
};

struct collective_policy {
    const char *name;
    bool custom; /* not the library's own: where one applies, the library isn't asked */
    enum launch launch;
    unsigned protocols; /* bit set of enum protocol */
    bool (*applies)(const struct collective_context *context);
    /* Latency without the launch, and the flows. */
    void (*plan)(const struct collective_context *context, enum protocol protocol,
                 struct collective_plan *plan);
};

enum {
    PROTOCOLS_SIMPLE = 1 << PROTOCOL_SIMPLE,
    PROTOCOLS_LOW_LATENCY = 1 << PROTOCOL_LL | 1 << PROTOCOL_LL128,
    PROTOCOLS_ALL = PROTOCOLS_LOW_LATENCY | PROTOCOLS_SIMPLE
};

extern const struct collective_policy collective_ring, collective_tree, collective_nvls,
    collective_nvls_tree, collective_send, collective_send_recv, collective_all_to_all,
    collective_one_shot, collective_two_shot, collective_multimem, collective_deepep_normal,
    collective_deepep_low_latency, collective_pplx;

static inline double group_nodes(const struct group_shape *group)
{
    return (double)group->ranks / group->ranks_per_node;
}

/* Levels of a binary tree over the nodes: 1 for 2, 7 for 128. */
uint32_t collective_tree_levels(const struct group_shape *group);

/* A hop over the fabric, its latency as often as the protocol crosses it. */
double collective_fabric_hop_seconds(const struct collective_context *context,
                                     enum protocol protocol);

/* How far a GPU's last channel lags behind, after `payload` bytes. */
double collective_skew_seconds(const struct collective_context *context, double payload);
/* How far the last of many paths over the fabric lags behind, after `payload` bytes of one NIC. */
double collective_fabric_spread_seconds(const struct collective_context *context, double payload);

/* Appends `payload` bytes of each member over `edge`. `limit` of the payload's rate, 0: none. */
void collective_add_node_flow(const struct collective_context *context, enum protocol protocol,
                              double payload, double limit, struct collective_plan *plan);
/* `connections` carry a member's payload, each no faster than the cluster lets one be. */
void collective_add_fabric_flow(const struct collective_context *context, enum collective_edge edge,
                                enum protocol protocol, double payload, uint32_t connections,
                                struct collective_plan *plan);
/* Of all-reduces over double binary trees of nodes, what a rail carries. */
void collective_add_tree_flow(const struct collective_context *context, enum protocol protocol,
                              double levels, struct collective_plan *plan);
/* Appends `payload` bytes of each member to members of other nodes, equal parts to each node, on
 * as many connections as there are such members; `efficiency` is payload over raw bytes. */
void collective_add_shift_flows(const struct collective_context *context, double payload,
                                double efficiency, struct collective_plan *plan);

#endif
