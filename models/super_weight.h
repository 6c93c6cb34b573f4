/* SPDX-License-Identifier: MIT
 * Super weights: the handful of scalars whose loss ruins a model (Yu et al., arXiv 2411.07191).
 * Where they are, what keeping them in 16 bits costs, and how well round-to-nearest int4 does by
 * block size with and without, from the paper's tables. Pure. */
#ifndef CPSIM_MODELS_SUPER_WEIGHT_H
#define CPSIM_MODELS_SUPER_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* layers[layer].mlp.down_proj.weight[row, column]. */
struct super_weight {
    const char *model; /* as models/llm/ names it, where it does */
    uint32_t layer, row, column;
    const char *source;
};

extern const struct super_weight super_weights[];
extern const size_t super_weight_count;

/* How many a model has; 0 when the paper does not list it. */
size_t super_weights_of(const char *model);

/* Keeping one costs its value in 16 bits and its place in 32 + 32 bits. */
double super_weight_bytes(const char *model);

/* Average zero-shot accuracy, per cent, with int4 weights in blocks of `block_elements`. */
struct super_weight_accuracy {
    bool known;      /* the paper has the model and a size on either side */
    double original; /* fp16 */
    double rounded;  /* round to nearest alone */
    bool kept_known;
    double kept; /* with super weights kept in fp16 and the rest clipped */
};

/* Interpolated in the logarithm of the block's size, inside the paper's range only: 64 elements
 * (8 x 8) to 1024 x 1024 at most. */
struct super_weight_accuracy super_weight_int4(const char *model, double block_elements);

#endif
