/* SPDX-License-Identifier: MIT
 * Adapters of requests beside a forward pass, as Punica (arXiv 2310.18547), S-LoRA (2311.03285) and
 * vLLM run them: beside each linear layer of [depth][columns] an adapter has A of [depth][rank] and
 * B of [rank][columns], one of each for each tensor that the layer joins (query, key, value). A
 * step multiplies each token with its own request's, in three launches a layer for all adapters of
 * the batch: a buffer is cleared, x A (shrink) added into it, and its product with B (expand) added
 * to the layer's output. Adapters are kept in the activations' format, buffers in fp32. Pure.
 *
 * Tensor ranks: a layer that is cut by columns has A whole on every rank and its part of B, one
 * that is cut by depth its part of A and B whole; the layer's own all-reduce sums either. Experts
 * have an A and a B each, and those that lie on other ranks have theirs there. */
#ifndef CPSIM_MODELS_PASSES_ADAPTERS_H
#define CPSIM_MODELS_PASSES_ADAPTERS_H

#include "models/layout/model_stage.h"
#include "models/layout/replica.h"

/* Those of a step. */
struct adapter_batch {
    enum adapter_targets targets;
    uint32_t rank;     /* that the engine's kernels compute with: the largest it allows */
    uint32_t adapters; /* distinct ones, ... */
    uint32_t places;   /* ... of so many that there may be */
    double tokens;     /* that have one */
    bool graph;        /* launched from a CUDA graph */
    bool changed;      /* other requests than in the step before: the host sorts its tokens */
};

/* One adapter on one rank of a stage: bytes, and matrices that a load copies. Llama 3.1 8B, rank
 * 16, all targets, one GPU: 83,886,080 bytes in 448 matrices. */
double adapters_bytes(const struct replica *replica, const struct model_stage *stage,
                      enum adapter_targets targets, uint32_t rank);
uint32_t adapters_matrices(const struct replica *replica, const struct model_stage *stage,
                           enum adapter_targets targets);

/* What a step's adapters add to its program: a segment a kind of layer. Operators as
 * transformer_build() takes them. */
void adapters_build(const struct replica *replica, const struct model_stage *stage,
                    const struct adapter_batch *batch, struct step_operator *operators,
                    struct step_program *program);
/* Operators that it may need. */
size_t adapters_room(const struct replica *replica);

#endif
