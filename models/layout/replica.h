/* SPDX-License-Identifier: MIT
 * One replica of a model as it is laid out, and the batches that it works on. Pure. */
#ifndef CPSIM_MODELS_LAYOUT_REPLICA_H
#define CPSIM_MODELS_LAYOUT_REPLICA_H

#include "models/architecture/llm.h"
#include "models/architecture/precision.h"
#include "models/layout/context_parallel.h"
#include "models/layout/layout.h"
#include "models/machine/cluster.h"
#include "models/machine/software.h"
#include "models/step/step_program.h"

#include <stdbool.h>
#include <stdint.h>

enum phase { PHASE_PREFILL, PHASE_DECODE };

/* Sequences alike: each brings `new_tokens` (1 in decode) on top of `cached_tokens`. */
struct batch_slice {
    enum phase phase;
    uint32_t sequences;
    uint64_t new_tokens, cached_tokens; /* decode: 1, or with drafts that are verified */
};

struct batch {
    const struct batch_slice *slices; /* [slice_count] */
    uint32_t slice_count;
    uint32_t query_slices;  /* the last so many pass queries round a ring, whatever others do */
    uint64_t shared_tokens; /* that all ranks with requests of their own bring to the experts that
                               they share; 0: each as many as this one */
};

/* One replica: what runs, on what, how. Nothing is owned. */
struct replica {
    const struct llm *llm;
    const struct gpu *gpu;
    const struct cluster *cluster;
    const struct software *software;
    const struct layout *layout;
    const struct precision *precision;
    struct routing routing; /* of tokens to experts; all zero: even. Its ranks are the layout's */
    enum exchange_kind exchange; /* of tokens with ranks that share experts */
    bool splits_tokens; /* tensor ranks bring other tokens to experts (sequence parallelism) */
};

/* Routing of tokens to the experts of the layout's ranks. */
struct routing replica_routing(const struct replica *replica);
/* Whether a rank's tokens must go to other ranks' experts. */
bool replica_shares_experts(const struct replica *replica);
/* Tokens that a rank takes to its experts' ranks, of `tokens` that it works on. */
double replica_own_tokens(const struct replica *replica, double tokens);
/* Ranks that share experts and bring tokens of their own. */
double replica_token_ranks(const struct replica *replica);

/* Ranks of a group and how they lie on nodes, tensor ranks fastest. */
struct group_shape replica_group(const struct replica *replica, enum group group);

/* Of so many heads, those of one tensor rank; fewer than ranks are held by several. */
uint32_t replica_heads(const struct replica *replica, uint32_t heads);

/* Tokens that one rank pushes through the linear layers for `batch`. */
uint64_t replica_rank_tokens(const struct replica *replica, const struct batch *batch);

/* Tokens of one slice that a rank pushes through the linear layers, with `context` ranks. */
uint64_t slice_rank_tokens(const struct batch_slice *slice, uint32_t context);

#endif
