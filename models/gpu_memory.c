/* SPDX-License-Identifier: MIT
 * Kernels bound by memory: bytes at the memory's rate, at the L2's when they fit in it, and for
 * reductions over a row the time that one row takes. */
#include "models/gpu_kernel.h"

#include <assert.h>
#include <math.h>

struct memory_kernel_row {
    const char *name;
    double passes; /* over a row that one block waits for; 0: nothing to wait for */
};

static const struct memory_kernel_row kernels[MEMORY_KERNEL_COUNT] = {
    [MEMORY_COPY] = {.name = "copy"},
    [MEMORY_ADD_RMSNORM] = {.name = "add + RMSNorm", .passes = 2.0},
    [MEMORY_SWIGLU] = {.name = "SwiGLU"},
    [MEMORY_ROPE] = {.name = "RoPE"},
    [MEMORY_QUANTISE_ROW] = {.name = "quantise by row", .passes = 1.0},
    [MEMORY_QUANTISE] = {.name = "quantise"},
    [MEMORY_KV_APPEND] = {.name = "KV append"},
    [MEMORY_MERGE] = {.name = "merge"},
    [MEMORY_EMBEDDING] = {.name = "embedding"},
    [MEMORY_OPTIMIZER] = {.name = "optimizer"},
};

/* Bytes a second that the kernel itself can take in, whatever the memory behind it. */
static double kernel_rate(const struct gpu *gpu, const struct memory_shape *shape)
{
    if (shape->fused) {
        return gpu->l2_bytes_per_second;
    }
    switch (shape->kernel) {
    case MEMORY_ADD_RMSNORM:
        return gpu->norm_efficiency * gpu->memory_bytes_per_second;
    case MEMORY_SWIGLU:
        return gpu->swiglu_efficiency * gpu->memory_bytes_per_second;
    case MEMORY_QUANTISE_ROW:
        return gpu->quantise_efficiency * gpu->memory_bytes_per_second;
    case MEMORY_ROPE:
        return gpu->rope_bytes_per_second;
    case MEMORY_QUANTISE:
    case MEMORY_COPY:
    case MEMORY_KV_APPEND:
    case MEMORY_MERGE:
    case MEMORY_EMBEDDING:
    case MEMORY_OPTIMIZER:
    case MEMORY_KERNEL_COUNT:
        break;
    }
    return gpu->l2_bytes_per_second;
}

struct kernel_work memory_kernel_work(const struct gpu *gpu, const struct memory_shape *shape)
{
    assert(shape->kernel < MEMORY_KERNEL_COUNT && "not a memory-bound kernel");
    /* What fits in L2 with room to spare is found there, written by the kernel before. */
    bool in_l2 = shape->bytes < 0.75 * gpu->l2_bytes;
    double rate =
        in_l2 ? gpu->l2_bytes_per_second : gpu->memory_bytes_per_second * gpu->copy_efficiency;
    double passes = kernels[shape->kernel].passes;
    double row_seconds =
        passes > 0.0 ? gpu->row_seconds + passes * (double)shape->columns * gpu->row_element_seconds
                     : 0.0;
    return (struct kernel_work){
        .fixed_seconds = gpu->kernel_seconds,
        .sm_cycles = row_seconds * gpu->boost_clock_hertz,
        .memory_seconds = shape->bytes / fmin(rate, kernel_rate(gpu, shape)),
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
