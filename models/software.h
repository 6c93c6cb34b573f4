/* SPDX-License-Identifier: MIT
 * A software stack: what the program that drives the GPUs adds to the kernels. The values come from
 * platforms/software/ *.yaml, each with its source. */
#ifndef CPSIM_MODELS_SOFTWARE_H
#define CPSIM_MODELS_SOFTWARE_H

#include "models/collective_library.h"

#include <stdbool.h>
#include <stdint.h>

struct software {
    const char *name;
    /* SM clocks of the GPU file's kernels over those of this stack's own; 1: the same. A stalled
     * kernel takes longer, not more energy. */
    double matmul_efficiency, attention_efficiency;
    bool packs_query_heads; /* attention puts the query heads of a key-value head into one tile */
    bool fused_kernels;     /* memory-bound kernels joined with their neighbours, as compilers and
                               serving engines do; a norm or an activation then writes the
                               input of a product with one scale a tensor as it wants it */
    bool prefill_graph, decode_graph; /* launched from CUDA graphs */
    double eager_launch_seconds;      /* host time between two eager launches: a floor */
    double ring_step_seconds;         /* an eager ring attention's host work a step and layer that
                                         nothing hides */
    double cached_prefill_seconds;    /* a layer's host work when a prefill has cached tokens */
    double decode_layer_seconds;      /* a decode layer's kernels and gaps that no operator of the
                                         step program stands for */
    double decode_ring_seconds;       /* the same of a decode layer's ring attention */
    double step_seconds;              /* host work before every forward pass */
    double step_sequence_seconds;     /* more of it for every sequence in the batch */
    double request_seconds;           /* from client to scheduler and back, besides the queue: HTTP,
                                         tokens, first answer; in TTFT and end-to-end times */
    double buffer_bytes;              /* of a GPU's memory, besides weights, KV and activations */
    uint32_t decode_kv_splits; /* Flash Decoding's splits of a sequence's keys; 0: by shape */
    struct collective_library library; /* the one it calls */
    struct launch_constants launch[LAUNCH_COUNT];
};

#endif
