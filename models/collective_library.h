/* SPDX-License-Identifier: MIT
 * The constants of a collective library (NCCL, and the custom all-reduces that serving engines put
 * beside it). They belong to the library on one generation of GPU, not to a size or a rank count.
 * The values come from platforms/software/ *.yaml, each with its source. */
#ifndef CPSIM_MODELS_COLLECTIVE_LIBRARY_H
#define CPSIM_MODELS_COLLECTIVE_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

/* NCCL's wire protocols. LL sends a 4-byte flag with every 4 bytes, LL128 8 bytes with every 120;
 * Simple sends the payload alone and synchronises by chunks. */
enum protocol { PROTOCOL_LL, PROTOCOL_LL128, PROTOCOL_SIMPLE, PROTOCOL_COUNT };

/* A ring or tree in one protocol. */
struct protocol_constants {
    double base_seconds;               /* kernel start and end */
    double node_hop_seconds;           /* from a GPU to the next over NVLink */
    double fabric_hop_seconds;         /* from a GPU to the next over its NIC, without the cluster's
                                          own fabric_latency_seconds */
    double payload_bytes_per_second;   /* that the channels of one GPU push; 0 (Simple
                                        only): the link decides */
    double last_copy_bytes_per_second; /* of the last step, which only copies into the result */
};

/* What is launched. Each kind costs its host differently. */
enum launch {
    LAUNCH_COLLECTIVE,
    LAUNCH_POINT_TO_POINT,
    LAUNCH_ALL_TO_ALL,
    LAUNCH_CUSTOM,
    LAUNCH_MULTIMEM,
    LAUNCH_COUNT
};

struct launch_constants {
    double graph_seconds; /* on the GPU, added to every call from a CUDA graph */
    double eager_seconds; /* the same, launched eagerly */
    double host_seconds;  /* host work of an eager call: no call ends sooner */
};

struct collective_library {
    struct launch_constants launch[LAUNCH_COUNT];
    struct protocol_constants protocol[PROTOCOL_COUNT];
    double node_efficiency;   /* payload of a raw NVLink byte */
    double fabric_efficiency; /* payload of a raw byte on the fabric */
    /* Channels advance independently and the last one ends the call: its lag grows as the square
     * root of the bytes. */
    double skew_seconds_per_root_byte;

    /* Point to point: send, receive, all-to-all. */
    double p2p_seconds;                    /* LL, before the first byte */
    double p2p_simple_seconds;             /* what Simple adds */
    double p2p_ll_bytes_per_second;        /* of one peer */
    double p2p_simple_bytes_per_second;    /* of one GPU, all peers together */
    double p2p_skew_seconds_per_root_byte; /* when a GPU sends and receives at once */
    double p2p_self_bytes_per_second;      /* all-to-all: a GPU's copy of its own share */

    bool tree; /* double binary trees between nodes are allowed; NCCL_ALGO may forbid them */

    /* NVLS: the NVLink switch adds and multicasts. */
    uint32_t nvls_ranks; /* fewest GPUs of a node it is used for; 0: never */
    double nvls_seconds;
    double nvls_bytes_per_second; /* payload through one GPU's links, one direction */
    bool nvls_tree;               /* NVLS inside nodes, double binary trees between */
    double nvls_tree_seconds;
    double tree_chunk_bytes; /* of one NIC: a tree's hop waits for a whole chunk */

    /* Custom all-reduce inside a node: every GPU reads its peers' buffers. */
    double custom_bytes;                     /* largest buffer it is used for; 0: never */
    double custom_seconds;                   /* kernel and first barrier */
    double custom_peer_seconds;              /* more for each peer, to flag it */
    double custom_barrier_seconds;           /* two-shot: between the halves */
    double custom_read_bytes_per_second;     /* peers without number */
    double custom_inflight_bytes_per_second; /* reads in flight to one peer over their latency */
    double custom_copy_bytes_per_second;     /* eager: into the buffer that the peers can read */
    uint32_t multimem_ranks;                 /* multimem two-shot from so many ranks on; 0: never */
    double multimem_seconds, multimem_bytes_per_second;
};

#endif
