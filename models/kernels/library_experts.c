/* SPDX-License-Identifier: MIT
 * A product of a mixture of experts as an engine's own kernels do it
 * (models/machine/kernel_library.h): each expert's rows in tiles of their own, the fastest of the
 * kernel's tiles, in waves over the SMs. What an engine runs around both products (sorting tokens
 * by expert, gathering, scaling, adding up) is passes over the product's output. */
#include "models/kernels/gpu_matmul.h"

#include <assert.h>
#include <math.h>

static enum experts_operands operands_of(const struct gemm_shape *shape)
{
    if (shape->weights != FORMAT_UNSET) {
        return EXPERTS_NARROW_WEIGHTS;
    }
    if (shape->scaling == SCALING_BLOCK) {
        return EXPERTS_BLOCK_SCALES;
    }
    return shape->scaling == SCALING_NONE ? EXPERTS_16_BIT : EXPERTS_TENSOR_SCALES;
}

static double ranks_of(const struct gemm_shape *shape)
{
    return shape->routing.ranks > 1 ? shape->routing.ranks : 1.0;
}

static bool is_tuned(const struct experts_kernels *kernels, const struct gemm_shape *shape)
{
    if (shape->expert_width == 0) { /* not said */
        return true;
    }
    double experts = shape->experts.count / ranks_of(shape);
    for (size_t i = 0; i < kernels->tuned.count; i++) {
        const struct tile *tuned = &kernels->tuned.tiles[i];
        if (tuned->rows == experts && tuned->columns == shape->expert_width) {
            return true;
        }
    }
    return kernels->tuned.count == 0;
}

const struct experts_kernel *library_experts(const struct gemm_shape *shape)
{
    const struct kernel_library *library = shape->library;
    if (library == NULL) {
        return NULL;
    }
    enum experts_operands operands = operands_of(shape);
    const struct experts_kernels *kernels = &library->experts;
    if (shape->routing.ranks > 1 && library->spread.kernels[operands].efficiency > 0.0) {
        kernels = &library->spread;
    }
    const struct experts_kernel *kernel = &kernels->kernels[operands];
    if (operands == EXPERTS_16_BIT && !is_tuned(kernels, shape)) {
        kernel = &kernels->untuned;
    }
    return kernel->efficiency > 0.0 ? kernel : NULL;
}

/* One way to compute the product, at boost clock. */
struct way {
    double seconds, sm_cycles, multiplied; /* FLOPs of the matrix units, padding included */
};

static struct way way_of(const struct gpu *gpu, const struct experts_kernel *kernel,
                         const struct gemm_shape *shape, struct tile tile, double memory_seconds)
{
    double tokens = (double)shape->m / shape->experts.per_token;
    double k = (double)shape->k;
    double tiles = experts_blocks(shape->experts, shape->routing, tokens, tile.rows) *
                   ceil((double)shape->n / tile.columns);
    double flops = 2.0 * tile.rows * tile.columns;
    double multiply =
        flops / (matmul_flops_per_clock(gpu, shape->format) * kernel->efficiency) +
        (shape->weights == FORMAT_UNSET ? 0.0 : tile.columns * kernel->dequantise_cycles);
    double load =
        tile.rows * format_bytes(shape->format) + tile.columns * matmul_weight_bytes(shape);
    /* Where all SMs load at once they share what the kernel gets of the L2; few have more each. */
    double busy = fmin(1.0, tiles / gpu->streaming_multiprocessors);
    double rate = fmin(kernel->tile_bytes_per_clock / busy,
                       fmax(kernel->tile_bytes_per_clock, gpu->tile_bytes_per_clock));
    double cycles = k * fmax(multiply, load / rate) + kernel->tile_seconds * gpu->boost_clock_hertz;
    struct way way = {.sm_cycles = ceil(tiles / gpu->streaming_multiprocessors) * cycles,
                      .multiplied = tiles * k * flops};
    way.seconds = overlapped_seconds(gpu, way.sm_cycles / gpu->boost_clock_hertz, memory_seconds);
    return way;
}

/* Bytes that kernels around the product move, at a copy's rate. */
static double around_seconds(const struct gpu *gpu, const struct experts_kernel *kernel,
                             const struct gemm_shape *shape, double rows)
{
    double bytes = (kernel->all_rows ? (double)shape->m : rows) * (double)shape->n *
                   format_bytes(FORMAT_BF16) * kernel->output_passes;
    return bytes / (bytes < gpu->generation.l2_share * gpu->l2_bytes
                        ? gpu->l2_bytes_per_second
                        : gpu->memory_bytes_per_second * gpu->copy_efficiency);
}

struct kernel_work library_experts_work(const struct gpu *gpu, const struct experts_kernel *kernel,
                                        const struct gemm_shape *shape)
{
    double n = (double)shape->n, k = (double)shape->k;
    double tokens = (double)shape->m / shape->experts.per_token;
    double rows = experts_rows(shape->experts, shape->routing, tokens);
    double matrices = kernel->all_experts ? experts_held(shape->experts, shape->routing)
                                          : experts_touched(shape->experts, shape->routing, tokens);
    double bytes = rows * k * format_bytes(shape->format) +
                   matrices * (n * k * matmul_weight_bytes(shape) + shape->scale_bytes) +
                   rows * n * format_bytes(FORMAT_BF16);
    double ratio = gpu->experts_memory_ratio > 0.0 ? gpu->experts_memory_ratio : 1.0;
    double memory_seconds =
        bytes / (gpu->memory_bytes_per_second * kernel->memory_efficiency * ratio);
    struct way best = {.seconds = INFINITY};
    for (size_t i = 0; i < kernel->tiles.count; i++) {
        struct way way = way_of(gpu, kernel, shape, kernel->tiles.tiles[i], memory_seconds);
        best = way.seconds < best.seconds ? way : best;
    }
    return (struct kernel_work){
        .fixed_seconds = kernel->start_seconds + around_seconds(gpu, kernel, shape, rows) +
                         (shape->routing.ranks > 1 ? kernel->ranks_seconds : 0.0),
        .sm_cycles = best.sm_cycles,
        .memory_seconds = memory_seconds,
        .flops = 2.0 * rows * n * k,
        .bytes = bytes,
        .core_joules = best.multiplied * matmul_joules_per_flop(gpu, shape->format),
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}
