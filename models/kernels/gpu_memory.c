/* SPDX-License-Identifier: MIT
 * Kernels bound by memory: bytes at the memory's rate, at the L2's when they fit in it, and for
 * reductions over a row the time that one row takes. */
#include "models/kernels/gpu_kernel.h"

#include <assert.h>
#include <math.h>

struct memory_kernel_row {
    const char *name;
    double passes;   /* over a row that one block waits for; 0: nothing to wait for */
    double launches; /* of a framework's own kernels; 0: one */
};

static const struct memory_kernel_row kernels[MEMORY_KERNEL_COUNT] = {
    [MEMORY_COPY] = {.name = "copy"},
    [MEMORY_ADD_RMSNORM] = {.name = "add + RMSNorm", .passes = 2.0},
    [MEMORY_SWIGLU] = {.name = "SwiGLU"},
    [MEMORY_ROPE] = {.name = "RoPE", .launches = 2.0}, /* queries, keys */
    [MEMORY_QUANTISE_ROW] = {.name = "quantise by row", .passes = 1.0},
    [MEMORY_QUANTISE] = {.name = "quantise"},
    [MEMORY_DEQUANTISE] = {.name = "dequantise"},
    [MEMORY_KV_APPEND] = {.name = "KV append"},
    [MEMORY_MERGE] = {.name = "merge"},
    [MEMORY_EMBEDDING] = {.name = "embedding"},
    [MEMORY_OPTIMIZER] = {.name = "optimizer"},
};

/* Bytes a second that a framework's own kernel takes in of `rate`, what the memory or L2 behind it
 * gives. */
static double framework_rate(const struct gpu *gpu, enum memory_kernel kernel, double rate)
{
    switch (kernel) {
    case MEMORY_ADD_RMSNORM:
        return fmin(rate, gpu->norm_efficiency * gpu->memory_bytes_per_second);
    case MEMORY_SWIGLU:
        return fmin(rate, gpu->swiglu_bytes_per_second);
    case MEMORY_QUANTISE_ROW:
        return fmin(rate, gpu->quantise_bytes_per_second);
    case MEMORY_DEQUANTISE:
        return gpu->dequantise_bytes_per_second > 0.0 ? fmin(rate, gpu->dequantise_bytes_per_second)
                                                      : rate;
    case MEMORY_ROPE:
        return rate / gpu->rope_passes;
    case MEMORY_QUANTISE:
    case MEMORY_COPY:
    case MEMORY_KV_APPEND:
    case MEMORY_MERGE:
    case MEMORY_EMBEDDING:
    case MEMORY_OPTIMIZER:
    case MEMORY_KERNEL_COUNT:
        break;
    }
    return rate;
}

struct kernel_work memory_kernel_work(const struct gpu *gpu, const struct memory_shape *shape)
{
    assert(shape->kernel < MEMORY_KERNEL_COUNT && "not a memory-bound kernel");
    /* What fits in L2 with room to spare is found there, written by the kernel before. Several
     * passes keep as much again for what is between them. */
    bool several = shape->kernel == MEMORY_ROPE && !shape->fused;
    bool in_l2 = (several ? 2.0 : 1.0) * shape->bytes < gpu->generation.l2_share * gpu->l2_bytes;
    double rate =
        in_l2 ? gpu->l2_bytes_per_second : gpu->memory_bytes_per_second * gpu->copy_efficiency;
    if (!shape->fused) {
        rate = framework_rate(gpu, shape->kernel, rate);
    }
    double passes = kernels[shape->kernel].passes;
    double row_seconds =
        passes > 0.0 ? gpu->row_seconds + passes * (double)shape->columns * gpu->row_element_seconds
                     : 0.0;
    if (shape->kernel == MEMORY_QUANTISE && !shape->fused) {
        row_seconds = gpu->cast_seconds;
    }
    double launches = shape->fused ? 1.0 : fmax(1.0, kernels[shape->kernel].launches);
    return (struct kernel_work){
        .fixed_seconds = launches * gpu->kernel_seconds,
        .sm_cycles = row_seconds * gpu->boost_clock_hertz,
        .memory_seconds = fmax(shape->bytes / rate, (double)shape->rows * shape->row_seconds),
        .bytes = shape->bytes,
        .core_joules = shape->bytes * gpu->tile_joules_per_byte,
        .memory_joules = in_l2 ? 0.0 : shape->bytes * gpu->memory_joules_per_byte,
    };
}

const char *memory_kernel_name(enum memory_kernel kernel)
{
    assert(kernel < MEMORY_KERNEL_COUNT && "not a memory-bound kernel");
    return kernels[kernel].name;
}
