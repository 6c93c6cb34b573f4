/* SPDX-License-Identifier: MIT
 * A forward pass of a decoder-only transformer as a step program: what one rank does for a batch
 * under a layout and a precision. Tensor parallelism as Megatron-LM (column- then row-parallel
 * matrices, two all-reduces a layer; key-value heads are replicated when there are fewer than
 * ranks); context parallelism as arXiv 2411.01783 (Algorithms 2 to 4). Pure. */
#ifndef CPSIM_MODELS_PASSES_TRANSFORMER_H
#define CPSIM_MODELS_PASSES_TRANSFORMER_H

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
    uint64_t new_tokens, cached_tokens;
};

struct batch {
    const struct batch_slice *slices; /* [slice_count] */
    uint32_t slice_count;
};

/* One replica: what runs, on what, how. Nothing is owned. */
struct replica {
    const struct llm *llm;
    const struct gpu *gpu;
    const struct cluster *cluster;
    const struct software *software;
    const struct layout *layout;
    const struct precision *precision;
};

/* Ranks of a group and how they lie on nodes, tensor ranks fastest. */
struct group_shape replica_group(const struct replica *replica, enum group group);

/* Query and key-value heads of one tensor rank. */
uint32_t replica_query_heads(const struct replica *replica);
uint32_t replica_kv_heads(const struct replica *replica);

/* Tokens that one rank pushes through the linear layers for `batch`. */
uint64_t replica_rank_tokens(const struct replica *replica, const struct batch *batch);

/* Operators of the largest segment that transformer_build() can make for so many slices. */
uint32_t transformer_max_operators(const struct replica *replica, uint32_t slice_count);

/* Builds the forward pass of `batch` into `program`: segments "embedding", "edge layers" (when the
 * precision keeps them high), "layers", "head". Each segment takes its operators from `operators`,
 * [STEP_MAX_SEGMENTS][transformer_max_operators()], the caller's, which must outlive the program.
 * `variant` is what travels round the ring in prefill; decode passes Q unless it is RING_NONE. */
void transformer_build(const struct replica *replica, const struct batch *batch,
                       enum ring_variant variant, struct step_operator *operators,
                       struct step_program *program);

#endif
