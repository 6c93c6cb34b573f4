/* SPDX-License-Identifier: MIT
 * One kernel that was measured: its shape, what was measured of it, and what the models say. Pure.
 */
#ifndef CPSIM_MODELS_KERNELS_KERNEL_MEASUREMENT_H
#define CPSIM_MODELS_KERNELS_KERNEL_MEASUREMENT_H

#include "models/kernels/gpu_power.h"

enum kernel_class {
    KERNEL_GEMM,         /* 16-bit */
    KERNEL_GEMM_TENSOR,  /* fp8, a scale a tensor */
    KERNEL_GEMM_ROW,     /* fp8, a scale a row */
    KERNEL_GEMM_EXPERTS, /* of a mixture of experts */
    KERNEL_ATTENTION_PREFILL,
    KERNEL_ATTENTION_DECODE,
    KERNEL_NORM,
    KERNEL_SWIGLU,
    KERNEL_QUANTISE,
    KERNEL_CAST,
    KERNEL_ROPE,
    KERNEL_COPY,
    KERNEL_OTHER_MEMORY, /* predicted; no constant of a GPU is its own */
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
    double clock_hertz; /* likewise */
    double run_seconds; /* how long it was repeated; 0: as a micro-benchmark does, measurement.h */
};

/* A kernel of the class that its shape makes it; what was measured is for the caller to add. */
struct kernel_measurement kernel_of_gemm(const struct gemm_shape *shape);
struct kernel_measurement kernel_of_attention(const struct attention_shape *shape);
struct kernel_measurement kernel_of_memory(const struct memory_shape *shape);

struct power_state kernel_measurement_predict(const struct gpu *gpu,
                                              const struct kernel_measurement *measurement);

#endif
