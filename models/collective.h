/* SPDX-License-Identifier: MIT
 * A collective as flows: which algorithm and protocol the library would choose, how long it waits
 * before data moves, and which bytes cross which link. Pure; sim/engine plays the plan on SimGrid,
 * where flows that share a link slow each other; collective_seconds() is the same plan alone. */
#ifndef CPSIM_MODELS_COLLECTIVE_H
#define CPSIM_MODELS_COLLECTIVE_H

#include "models/cluster.h"

#include <stdbool.h>
#include <stdint.h>

enum collective_kind {
    COLLECTIVE_ALL_REDUCE,
    COLLECTIVE_ALL_GATHER,
    COLLECTIVE_REDUCE_SCATTER,
    COLLECTIVE_ALL_TO_ALL,
    COLLECTIVE_SEND_RECV, /* a ring shift: every member sends to the next and receives from the
                             previous */
    COLLECTIVE_KIND_COUNT
};

/* Members lie alike on every node they touch: `ranks` = nodes x ranks_per_node. */
struct group_shape {
    uint32_t ranks, ranks_per_node;
};

struct collective_call {
    enum collective_kind kind;
    struct group_shape group;
    double bytes; /* all-reduce, send-recv: of one member's buffer. all-gather: of one member's
                     result; reduce-scatter: of one member's input; all-to-all: one member sends in
                     all, its own share included */
    bool graph;   /* launched from a CUDA graph; otherwise eagerly */
};

/* Which way a member's flow goes. A member has at most one flow of a kind. */
enum collective_edge {
    EDGE_NODE_NEXT,   /* over NVLink to the next member in its node */
    EDGE_FABRIC_NEXT, /* over its NIC to the member in the same place of the next node */
    EDGE_RING_NEXT,   /* to the next member of the group, over whatever lies between */
    EDGE_COUNT
};

struct collective_flow {
    enum collective_edge edge;
    double bytes;         /* on the wire, protocol overhead included; of one member */
    uint32_t connections; /* over the fabric: how many connections share the bytes */
};

struct collective_plan {
    const char *algorithm; /* "ring", "tree", "nvls", "one-shot", ... */
    const char *protocol;  /* "LL", "LL128", "Simple", ... */
    double latency_seconds;
    struct collective_flow flows[EDGE_COUNT]; /* all at once, after the latency */
    uint32_t flow_count;
};

struct software;

struct collective_plan collective_plan(const struct cluster *cluster,
                                       const struct software *software,
                                       const struct collective_call *call);

/* The plan alone on the cluster: latency plus the slowest flow, seconds. */
double collective_seconds(const struct cluster *cluster, const struct collective_plan *plan);

const char *collective_kind_name(enum collective_kind kind); /* "all-reduce" */

#endif
