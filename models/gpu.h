/* SPDX-License-Identifier: MIT
 * One GPU, as the data sheet and measurements describe it. The values come from
 * platforms/gpus/ *.yaml, each with its source; the kernel models of gpu_kernel.h read nothing
 * else. */
#ifndef CPSIM_MODELS_GPU_H
#define CPSIM_MODELS_GPU_H

#include "models/format.h"

#include <stdint.h>

struct gpu {
    const char *name;
    double memory_bytes;
    double memory_bytes_per_second;              /* data-sheet peak */
    double dense_flops_per_second[FORMAT_COUNT]; /* data-sheet peak at boost clock; 0: not native */
    uint32_t streaming_multiprocessors;
    double boost_clock_hertz;
    double power_limit_watts;
    double idle_watts;
    /* Fitted constants of the kernel models. */
    double memory_efficiency;    /* of the peak, that a long copy reaches */
    double matmul_efficiency;    /* of the peak, that a large GEMM reaches at full clock */
    double attention_efficiency; /* of the bf16 peak, that long attention reaches */
    double kernel_seconds;       /* the shortest kernel, launched from a CUDA graph */
};

#endif
