/* SPDX-License-Identifier: MIT
 * Where the data of a model's constants ended. Outside, a prediction is an extrapolation and says
 * so. The ranges stand in the files of platforms/ beside the constants. Pure. */
#ifndef CPSIM_MODELS_MACHINE_FITTED_H
#define CPSIM_MODELS_MACHINE_FITTED_H

#include <stddef.h>

struct fitted_range {
    double least, most; /* 0, 0: the file doesn't say */
};

/* Shapes that a GPU's constants were fitted on. */
struct gpu_fitted {
    struct fitted_range matmul_m, matmul_n, matmul_k;
    struct fitted_range attention_queries, attention_keys; /* prefill */
    struct fitted_range decode_sequences, decode_keys;
    struct fitted_range head_size;
    struct fitted_range memory_bytes;
};

struct extrapolation {
    const char *what; /* "m", "keys", ...: a literal; NULL: within the data */
    double value;
    struct fitted_range range; /* 0, 0: the file states none, so nothing can be said */
};

/* A value and the range that it should lie in. */
struct fitted_check {
    const char *what;
    double value;
    const struct fitted_range *range;
};

/* The first of them that lies outside. */
struct extrapolation fitted_first_outside(const struct fitted_check *checks, size_t count);

#endif
