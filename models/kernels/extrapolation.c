/* SPDX-License-Identifier: MIT */
#include "models/kernels/extrapolation.h"

#include <math.h>

static void widen(struct fitted_range *range, double value)
{
    range->least = range->most > 0.0 ? fmin(range->least, value) : value;
    range->most = fmax(range->most, value);
}

void gpu_fitted_include(struct gpu_fitted *fitted, const struct kernel_measurement *kernel)
{
    switch (kernel->class) {
    case KERNEL_GEMM:
    case KERNEL_GEMM_TENSOR:
    case KERNEL_GEMM_ROW:
        widen(&fitted->matmul_m, (double)kernel->gemm.m);
        widen(&fitted->matmul_n, (double)kernel->gemm.n);
        widen(&fitted->matmul_k, (double)kernel->gemm.k);
        return;
    case KERNEL_ATTENTION_PREFILL:
        widen(&fitted->attention_queries, (double)kernel->attention.queries);
        widen(&fitted->attention_keys, (double)kernel->attention.keys);
        widen(&fitted->head_size, (double)kernel->attention.head_size);
        return;
    case KERNEL_ATTENTION_DECODE:
        widen(&fitted->decode_sequences, (double)kernel->attention.sequences);
        widen(&fitted->decode_keys, (double)kernel->attention.keys);
        widen(&fitted->head_size, (double)kernel->attention.head_size);
        return;
    case KERNEL_NORM:
    case KERNEL_SWIGLU:
    case KERNEL_QUANTISE:
    case KERNEL_CAST:
    case KERNEL_ROPE:
    case KERNEL_COPY:
    case KERNEL_OTHER_MEMORY:
        widen(&fitted->memory_bytes, kernel->memory.bytes);
        return;
    case KERNEL_GEMM_EXPERTS: /* no range of its own: see gemm_extrapolation() */
    case KERNEL_CLASS_COUNT:
        break;
    }
}

struct extrapolation gemm_extrapolation(const struct gpu *gpu, const struct gemm_shape *shape)
{
    if (shape->experts.count > 0) {
        bool measured = gpu->grouped_tile_seconds > 0.0;
        return (struct extrapolation){.what = measured ? NULL : "experts",
                                      .value = shape->experts.count};
    }
    const struct fitted_check checks[] = {
        {"m", (double)shape->m, &gpu->fitted.matmul_m},
        {"n", (double)shape->n, &gpu->fitted.matmul_n},
        {"k", (double)shape->k, &gpu->fitted.matmul_k},
    };
    return fitted_first_outside(checks, sizeof checks / sizeof *checks);
}

struct extrapolation attention_extrapolation(const struct gpu *gpu,
                                             const struct attention_shape *shape)
{
    bool decode = shape->queries == 1;
    const struct fitted_check prefill_checks[] = {
        {"queries", (double)shape->queries, &gpu->fitted.attention_queries},
        {"keys", (double)shape->keys, &gpu->fitted.attention_keys},
        {"head size", (double)shape->head_size, &gpu->fitted.head_size},
    };
    const struct fitted_check decode_checks[] = {
        {"sequences", (double)shape->sequences, &gpu->fitted.decode_sequences},
        {"keys", (double)shape->keys, &gpu->fitted.decode_keys},
        {"head size", (double)shape->head_size, &gpu->fitted.head_size},
    };
    enum { CHECKS = sizeof prefill_checks / sizeof *prefill_checks };
    return fitted_first_outside(decode ? decode_checks : prefill_checks, CHECKS);
}

struct extrapolation memory_extrapolation(const struct gpu *gpu, const struct memory_shape *shape)
{
    const struct fitted_check check = {"bytes", shape->bytes, &gpu->fitted.memory_bytes};
    return fitted_first_outside(&check, 1);
}
