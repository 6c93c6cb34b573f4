/* SPDX-License-Identifier: MIT
 * A collective as flows: which algorithm and protocol the library would choose, how long it waits
 * before data moves, and which bytes cross which link. Pure; sim/engine plays the plan on SimGrid,
 * where flows that share a link slow each other; collective_seconds() is the same plan alone.
 *
 * The choice is NCCL's tuner's: the least predicted time (nccl/src/graph/tuning.cc). An algorithm
 * is a file models/collective_*.c and a row of the table in collective.c. */
#ifndef CPSIM_MODELS_COLLECTIVES_COLLECTIVE_H
#define CPSIM_MODELS_COLLECTIVES_COLLECTIVE_H

#include "models/machine/cluster.h"
#include "models/machine/software.h"

#include <stdbool.h>
#include <stdint.h>

enum collective_kind {
    COLLECTIVE_ALL_REDUCE,
    COLLECTIVE_ALL_GATHER,
    COLLECTIVE_REDUCE_SCATTER,
    COLLECTIVE_ALL_TO_ALL,
    COLLECTIVE_SEND_RECV, /* a ring shift: every member sends to the next and receives from the
                             previous */
    COLLECTIVE_SEND,      /* one way only: the group's first half sends to its second */
    COLLECTIVE_DISPATCH,  /* tokens to their experts, by a library whose kernels send by themselves
                             (models/machine/experts_exchange.h) ... */
    COLLECTIVE_COMBINE,   /* ... and their experts' outputs back */
    COLLECTIVE_KIND_COUNT
};

/* Members lie alike on every node they touch: `ranks` = nodes x ranks_per_node. */
struct group_shape {
    uint32_t ranks, ranks_per_node;
};

/* Of COLLECTIVE_DISPATCH and COLLECTIVE_COMBINE. */
struct experts_traffic {
    double tokens;               /* of one member */
    double token_bytes, hidden;  /* bytes and elements of one token */
    double copies, ranks, nodes; /* its experts, and the different ranks and nodes that they are on,
                                    its own included: expected values */
    double experts;              /* of the layer */
    double imbalance;            /* the fullest member's rows over the mean */
    double kept_near; /* of what would go to other nodes, the share that copies near by keep */
    enum exchange_kind kind; /* whose kernels send */
};

struct collective_call {
    enum collective_kind kind;
    struct group_shape group;
    double bytes; /* all-reduce, send-recv, send: of one member's buffer. all-gather: of one
                     member's result; reduce-scatter: of one member's input; all-to-all: one member
                     sends in all, its own share included. dispatch, combine: rows of one member */
    bool graph;   /* launched from a CUDA graph; otherwise eagerly */
    bool integer; /* elements that the NVLink switch can't add (int8): no NVLS */
    struct experts_traffic experts;
};

/* Which way a member's flow goes. A plan has at most one flow of a kind. */
enum collective_edge {
    EDGE_NODE_NEXT,   /* over NVLink to the next member in its node */
    EDGE_FABRIC_NEXT, /* over its NIC to the member in the same place of the group's next node */
    EDGE_FABRIC_FAR, /* the same, half the group's nodes away: traffic that crosses leaf switches */
    EDGE_RING_NEXT,  /* to the next member of the group, over whatever lies between */
    EDGE_COUNT
};

enum { COLLECTIVE_MAX_FLOWS = 3 };

struct collective_flow {
    enum collective_edge edge;
    double bytes;                  /* on the wire, protocol overhead included; of one member */
    double limit_bytes_per_second; /* on the wire: it goes no faster on an idle link; 0: no limit */
};

struct collective_plan {
    const char *algorithm; /* "ring", "tree", "nvls", "one-shot", ... */
    const char *protocol;  /* "LL", "LL128", "Simple" */
    struct group_shape group;
    double latency_seconds;
    struct collective_flow flows[COLLECTIVE_MAX_FLOWS]; /* all at once, after the latency */
    uint32_t flow_count;
};

/* The plan for `call`; a group of one rank gets an empty plan of zero seconds. */
struct collective_plan collective_plan(const struct cluster *cluster,
                                       const struct software *software,
                                       const struct collective_call *call);

/* The plan alone on the cluster: latency plus the slowest flow, seconds. */
double collective_seconds(const struct cluster *cluster, const struct collective_plan *plan);

/* Payload that crosses a link for a member at the busiest step, over `seconds`: the "bus bandwidth"
 * of nccl-tests, bytes per second. */
double collective_bus_bandwidth(const struct collective_call *call, double seconds);

const char *collective_kind_name(enum collective_kind kind); /* "all-reduce" */

/* Whether a call lies within what the library's constants were fitted on. */
struct extrapolation collective_extrapolation(const struct collective_library *library,
                                              const struct collective_call *call);

#endif
