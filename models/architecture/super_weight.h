/* SPDX-License-Identifier: MIT
 * Super weights: the handful of scalars whose loss ruins a model (Yu et al., arXiv 2411.07191).
 * Where they are and how well round-to-nearest int4 does by block size, with and without keeping
 * them, comes from models/llm/ *.yaml; what keeping them costs is counted. Pure. Bytes; elements;
 * per cent. */
#ifndef CPSIM_MODELS_ARCHITECTURE_SUPER_WEIGHT_H
#define CPSIM_MODELS_ARCHITECTURE_SUPER_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* layers[layer].mlp.down_proj.weight[row, column]. */
struct super_weight {
    uint32_t layer, row, column;
};

/* Average zero-shot accuracy with int4 weights in blocks of so many elements. */
struct int4_point {
    double elements;
    double rounded; /* to the nearest, nothing else */
    double kept;    /* super weights kept in fp16 and the rest clipped; 0: not measured */
};

/* What was measured of a model, in growing order of elements. */
struct int4_study {
    double original; /* in fp16; 0: nothing was measured */
    const struct int4_point *points;
    size_t count;
};

/* Keeping `count` of them: each its value in 16 bits and its place in 32 + 32 bits. */
double super_weights_bytes(size_t count);

struct int4_accuracy {
    bool known; /* there is a measured size on either side */
    double rounded;
    bool kept_known;
    double kept;
};

/* Interpolated in the logarithm of the block's size, between measured sizes only. */
struct int4_accuracy int4_accuracy_at(const struct int4_study *study, double block_elements);

#endif
