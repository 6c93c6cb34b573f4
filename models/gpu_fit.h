/* SPDX-License-Identifier: MIT
 * Fits a GPU's constants to measured kernels. Constants that show in the same kernels are fitted
 * together, a few at a time, each by a factor; a group with too few measurements keeps what the GPU
 * came with. The error that is minimised is the logarithm of predicted over measured, its tails
 * counted straight, so that one bad row weighs as one row. Pure. */
#ifndef CPSIM_MODELS_GPU_FIT_H
#define CPSIM_MODELS_GPU_FIT_H

#include "models/gpu.h"
#include "models/gpu_power.h"

#include <stdbool.h>
#include <stddef.h>

enum kernel_class {
    KERNEL_GEMM,        /* 16-bit */
    KERNEL_GEMM_TENSOR, /* fp8, a scale a tensor */
    KERNEL_GEMM_ROW,    /* fp8, a scale a row */
    KERNEL_ATTENTION_PREFILL,
    KERNEL_ATTENTION_DECODE,
    KERNEL_NORM,
    KERNEL_SWIGLU,
    KERNEL_QUANTISE,
    KERNEL_COPY,
    KERNEL_CLASS_COUNT
};

struct kernel_measurement {
    enum kernel_class class;
    union {
        struct gemm_shape gemm;
        struct attention_shape attention;
        struct memory_shape memory;
    };
    double seconds;     /* of one kernel */
    double watts;       /* average; 0: not measured */
    double run_seconds; /* how long it was repeated; 0: as a micro-benchmark does, measurement.h */
};

/* What the models say to a measurement. */
struct power_state kernel_measurement_predict(const struct gpu *gpu,
                                              const struct kernel_measurement *measurement);

enum { GPU_FIT_LEAST_ROWS = 3 }; /* measurements a constant, below which a group isn't fitted */

struct gpu_fit_group_report {
    const char *name; /* "GEMM bf16", ... */
    size_t rows, constants;
    bool fitted;          /* false: too few rows */
    double before, after; /* mean cost: about the mean error, less 0.03 */
};

enum { GPU_FIT_GROUP_COUNT = 10 };

/* Fits `gpu` in place. */
void gpu_fit(struct gpu *gpu, const struct kernel_measurement *measurements, size_t count,
             struct gpu_fit_group_report reports[GPU_FIT_GROUP_COUNT]);

#endif
