/* SPDX-License-Identifier: MIT
 * Where the data of a model's constants ended. Outside, a prediction is an extrapolation and says
 * so. The ranges stand in the files of platforms/ beside the constants. Pure. */
#ifndef CPSIM_MODELS_KERNELS_FITTED_H
#define CPSIM_MODELS_KERNELS_FITTED_H

#include <stdbool.h>

struct attention_shape;
struct collective_call;
struct collective_library;
struct gemm_shape;
struct gpu;
struct kernel_measurement;
struct memory_shape;

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

/* Widens the ranges by the shape of one kernel. */
void gpu_fitted_include(struct gpu_fitted *fitted, const struct kernel_measurement *kernel);

struct extrapolation {
    const char *what; /* "m", "keys", ...: a literal; NULL: within the data */
    double value;
    struct fitted_range range; /* 0, 0: the file states none, so nothing can be said */
};

struct extrapolation gemm_extrapolation(const struct gpu *gpu, const struct gemm_shape *shape);
struct extrapolation attention_extrapolation(const struct gpu *gpu,
                                             const struct attention_shape *shape);
struct extrapolation memory_extrapolation(const struct gpu *gpu, const struct memory_shape *shape);
struct extrapolation collective_extrapolation(const struct collective_library *library,
                                              const struct collective_call *call);

#endif
