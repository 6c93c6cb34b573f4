/* SPDX-License-Identifier: MIT
 * The constants of a collective library: NCCL, and the custom all-reduces that serving engines put
 * beside it. They belong to the library on one generation of GPU and of NVLink, not to a size or a
 * number of ranks. The values come from platforms/collectives/ *.yaml, each with its source; what a
 * launch costs comes from platforms/software/ *.yaml. */
#ifndef CPSIM_MODELS_MACHINE_COLLECTIVE_LIBRARY_H
#define CPSIM_MODELS_MACHINE_COLLECTIVE_LIBRARY_H

#include "models/machine/fitted.h"
#include "models/machine/overlap.h"

#include <stdbool.h>
#include <stdint.h>

/* NCCL's wire protocols. LL sends a 4-byte flag with every 4 bytes, LL128 8 bytes with every 120;
 * Simple sends the payload alone and synchronises by chunks. */
enum protocol { PROTOCOL_LL, PROTOCOL_LL128, PROTOCOL_SIMPLE, PROTOCOL_COUNT };

/* A ring or tree in one protocol. */
struct protocol_constants {
    double base_seconds;               /* kernel start and end */
    double node_hop_seconds;           /* from a GPU to the next over NVLink */
    double fabric_hop_seconds;         /* from a GPU to the next over its NIC, without the
                                          cluster's own fabric_latency_seconds */
    double payload_bytes_per_second;   /* that the channels of one GPU push; 0 (Simple only):
                                          NVLink decides */
    double last_copy_bytes_per_second; /* of a ring's last step, which only copies into the
                                          result; 0: part of the hop */
    double wire_bytes;                 /* on the wire for a byte of payload */
    double fabric_crossings; /* of the fabric's latency in a hop: 1 where flags travel with the
                                data, 2 where what the NIC wrote is flushed before it is used */
    double tree_fill;        /* to fill a tree's pipeline, over the transfer itself */
};

/* Send, receive, all-to-all. */
struct point_to_point_constants {
    double base_seconds;            /* LL: kernel start and end */
    double simple_seconds;          /* what Simple adds */
    double ll_bytes_per_second;     /* payload to one peer */
    double simple_bytes_per_second; /* payload to all peers together */
    double self_bytes_per_second;   /* all-to-all: a GPU's copy of its own share */
};

/* NVLS: the NVLink switch adds and multicasts. */
struct nvls_constants {
    uint32_t ranks; /* fewest GPUs of a node it is used for; 0: never */
    double base_seconds;
    double bytes_per_second; /* payload through one GPU's links, one direction */
    bool tree;               /* NVLSTree: between nodes double binary trees */
    double tree_base_seconds;
    double tree_chunk_bytes; /* of one NIC: a hop hands on whole chunks */
};

/* Custom all-reduce inside a node: every GPU reads its peers' buffers. */
struct custom_constants {
    double largest_bytes;              /* largest buffer it is used for; 0: never ... */
    double own_largest_bytes;          /* ... and where the switch does not multicast, which
                                          symmetric memory needs; 0: the same */
    double base_seconds;               /* kernel and first barrier */
    double peer_seconds;               /* more for each peer, to flag it */
    double barrier_seconds;            /* two-shot: between the halves */
    double read_bytes_per_second;      /* payload from many peers */
    double in_flight_bytes_per_second; /* reads in flight to one peer, over their latency */
    double copy_bytes_per_second;      /* eager: into the buffer that the peers have mapped */
    uint32_t multimem_ranks;           /* from so many GPUs on, and from so many bytes, the switch
                                          adds instead; 0: never */
    double multimem_smallest_bytes;
    double multimem_seconds;
    double multimem_bytes_per_second; /* payload through one GPU's links, one direction */
    double fused_multiprocessors;     /* that an all-reduce and norm in one kernel take; 0: there is
                                         none */
};

/* What is launched. Each costs its host differently. */
enum launch {
    LAUNCH_COLLECTIVE,
    LAUNCH_SEND,
    LAUNCH_SEND_RECV, /* a group of two operations */
    LAUNCH_ALL_TO_ALL,
    LAUNCH_CUSTOM,
    LAUNCH_MULTIMEM,
    LAUNCH_COUNT
};

struct launch_constants {
    double graph_seconds; /* added to every call from a CUDA graph */
    double eager_seconds; /* the same, launched eagerly */
    double host_seconds;  /* host work of an eager call: calls in a row come no faster */
};

struct collective_library {
    const char *name;
    struct protocol_constants protocol[PROTOCOL_COUNT];
    double node_efficiency;   /* payload of a raw byte on NVLink */
    double fabric_efficiency; /* payload of a raw byte on the fabric */
    /* Channels advance on their own and the last one ends the call. Its lag grows as the root of
     * the bytes, as a sum of independent delays does; this is the lag after 1 MB. Simple only. */
    double skew_seconds;
    bool tree; /* double binary trees between nodes; NCCL_ALGO may forbid them */
    struct point_to_point_constants p2p;
    struct nvls_constants nvls;
    struct custom_constants custom;
    struct overlap_constants overlap;
    struct fitted_range fitted_ranks, fitted_bytes; /* as in struct collective_call */
};

#endif
