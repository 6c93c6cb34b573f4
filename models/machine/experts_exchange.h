/* SPDX-License-Identifier: MIT
 * How tokens travel to experts on other ranks and back: which library does it, and its constants.
 * The values come from platforms/exchanges/ *.yaml, each with its source. Sizes come from the
 * routing (models/kernels/experts.h), rates of links from the cluster. */
#ifndef CPSIM_MODELS_MACHINE_EXPERTS_EXCHANGE_H
#define CPSIM_MODELS_MACHINE_EXPERTS_EXCHANGE_H

#include "models/numeric/rows.h"

#include <stddef.h>

/* An exchange_NAME.c of models/layers and a row here. */
/* clang-format off */
#define EXCHANGES(ROW)                                                                             \
    ROW(EXCHANGE_ALL_GATHER, exchange_all_gather_row, "all-gather",                                \
        "Every rank gets all tokens; partial outputs are reduce-scattered (vLLM's "                \
        "default).")                                                                               \
    ROW(EXCHANGE_ALL_TO_ALL, exchange_all_to_all_row, "all-to-all",                                \
        "A row for each expert of a token, by the collective library's all-to-all.")               \
    ROW(EXCHANGE_NORMAL, exchange_normal_row, "normal",                                            \
        "DeepEP's normal kernels: once a node over its NIC, once a rank over NVLink.")             \
    ROW(EXCHANGE_LOW_LATENCY, exchange_low_latency_row, "low-latency",                             \
        "DeepEP's low-latency kernels: a row for each expert, straight to its rank.")              \
    ROW(EXCHANGE_PEERS, exchange_peers_row, "peers",                                               \
        "pplx-kernels: a row for each expert, straight to its rank, over a connection to each.")
/* clang-format on */
enum exchange_kind { EXCHANGES(ROW_MEMBER) EXCHANGE_KIND_COUNT };

/* One way of a library whose kernels send by themselves (DeepEP). */
struct exchange_way {
    double base_seconds;    /* launch, barriers */
    double element_seconds; /* more of it for an element of the residual stream */
    double expert_seconds;  /* and for each expert of the layer */
    double fabric_seconds;  /* and where ranks lie on several nodes */
    /* Work of the kernel, beside which NVLink's own rate is never reached: */
    double token_seconds;         /* of a token */
    double copy_seconds;          /* of each rank that it goes to */
    double expert_token_seconds;  /* of a token where one SM serves one expert */
    double node_bytes_per_second; /* payload */
    double peer_bytes_per_second; /* payload to each rank of another node; 0: no limit */
    double fabric_efficiency;     /* payload of a raw byte on the fabric; 0: the exchange's */
    /* How far the last channel lags behind, after 1 MB; it grows as the root of the bytes. */
    double node_spread_seconds, fabric_spread_seconds;
};

struct exchange_library {
    struct exchange_way dispatch, combine;
    double notify_seconds;       /* of a dispatch over several nodes: sizes are exchanged first */
    double notify_token_seconds; /* and for each of a member's tokens, which are counted by rank */
    double multiprocessors;      /* that its kernels take from those beside them */
};

struct experts_exchange {
    const char *name;
    enum exchange_kind prompts, decode; /* for steps with prompts; for those without */
    double dispatch_bytes;    /* of an element on its way to the experts, scales included; 0: as the
                                 activations */
    double fabric_efficiency; /* payload of a raw byte on the fabric */
    double senders;           /* SMs that serve experts, at most */
    struct exchange_library normal, low_latency, peers;
};

/* The constants of a kind whose kernels send by themselves; NULL: a collective library sends. */
static inline const struct exchange_library *
exchange_library(const struct experts_exchange *exchange, enum exchange_kind kind)
{
    return kind == EXCHANGE_NORMAL        ? &exchange->normal
           : kind == EXCHANGE_LOW_LATENCY ? &exchange->low_latency
           : kind == EXCHANGE_PEERS       ? &exchange->peers
                                          : NULL;
}

#endif
