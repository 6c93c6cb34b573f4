/* SPDX-License-Identifier: MIT
 * A product of a mixture of experts: one persistent launch, each expert's rows in tiles of their
 * own. There are two tiles, and the number of all rows decides (PyTorch's CUTLASS kernels,
 * aten/src/ATen/native/cuda/GroupMM.cu). An SM's next tile is mostly another expert's: it then
 * writes new descriptors, and loads nothing meanwhile, so this time hides behind nothing. */
#include "models/kernels/gpu_matmul.h"

#include <assert.h>
#include <math.h>

static struct tile tile_of(const struct gpu *gpu, const struct gemm_shape *shape)
{
    return gpu->generation.grouped_tiles
        .tiles[shape->m <= gpu->generation.grouped_few_rows ? 0 : 1];
}

/* Cycles of one SM for one step along k. */
static double cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape, struct tile tile)
{
    double multiply = 2.0 * tile.rows * tile.columns / matmul_flops_per_clock(gpu, shape->format);
    double load =
        tile.rows * format_bytes(shape->format) + tile.columns * matmul_weight_bytes(shape);
    return fmax(multiply / gpu->grouped_efficiency +
                    matmul_lane_cycles_per_k(gpu, shape, tile.rows, tile.columns, tile.columns),
                load / gpu->tile_bytes_per_clock);
}

/* One launch: its tiles, `k` deep each, and what it moves. */
struct launch {
    double tiles, k, bytes;
};

static struct kernel_work launch_work(const struct gpu *gpu, const struct gemm_shape *shape,
                                      struct tile tile, const struct launch *launch)
{
    double waves = ceil(launch->tiles / gpu->streaming_multiprocessors);
    double loaded =
        launch->tiles * launch->k *
        (tile.rows * format_bytes(shape->format) + tile.columns * matmul_weight_bytes(shape));
    double multiplied = 2.0 * launch->tiles * launch->k * tile.rows * tile.columns;
    return (struct kernel_work){
        .fixed_seconds = gpu->grouped_seconds + waves * gpu->grouped_tile_seconds,
        .sm_cycles = waves * launch->k * cycles_per_k(gpu, shape, tile),
        .memory_seconds = launch->bytes / (gpu->memory_bytes_per_second * gpu->memory_efficiency),
        .bytes = launch->bytes,
        .core_joules = multiplied * matmul_joules_per_flop(gpu, shape->format) +
                       loaded * gpu->tile_joules_per_byte,
        .memory_joules = launch->bytes * gpu->memory_joules_per_byte,
    };
}

/* Every expert has a product of its own, as deep as its rows; all are written. */
static struct kernel_work weight_gradient_work(const struct gpu *gpu,
                                               const struct gemm_shape *shape, double rows,
                                               double matrices)
{
    double n = (double)shape->n, k = (double)shape->k;
    struct tile tile = gpu->generation.grouped_tiles.tiles[1];
    double ranks = shape->routing.ranks > 1 ? shape->routing.ranks : 1.0;
    double bytes = rows * (n + k) * format_bytes(shape->format) +
                   ceil(shape->experts.count / ranks) * n * k * format_bytes(FORMAT_BF16);
    struct launch launch = {
        .tiles = matrices * ceil(k / tile.rows) * ceil(n / tile.columns),
        .k = rows / matrices,
        .bytes = bytes,
    };
    struct kernel_work work = launch_work(gpu, shape, tile, &launch);
    /* An SM's next tile is of the same expert: as in a product of one matrix. */
    double waves = ceil(launch.tiles / gpu->streaming_multiprocessors);
    work.sm_cycles += waves * gpu->tile_seconds[SCALING_NONE] * gpu->boost_clock_hertz;
    work.fixed_seconds = gpu->grouped_seconds;
    return work;
}

struct kernel_work grouped_gemm_work(const struct gpu *gpu, const struct gemm_shape *shape)
{
    assert(shape->experts.per_token > 0 && "rows of no token");
    const struct experts_kernel *kernel = library_experts(shape);
    if (kernel != NULL) {
        return library_experts_work(gpu, kernel, shape);
    }
    bool turned = shape->gradient == EXPERTS_INPUT_GRADIENT;
    double n = turned ? (double)shape->k : (double)shape->n;
    double k = turned ? (double)shape->n : (double)shape->k;
    double tokens = (double)shape->m / shape->experts.per_token;
    double m = experts_rows(shape->experts, shape->routing, tokens);
    double matrices = experts_touched(shape->experts, shape->routing, tokens);
    struct tile tile = tile_of(gpu, shape);
    struct launch launch = {
        .tiles = experts_blocks(shape->experts, shape->routing, tokens, tile.rows) *
                 ceil(n / tile.columns),
        .k = k,
        .bytes = m * k * format_bytes(shape->format) +
                 matrices * (n * k * matmul_weight_bytes(shape) + shape->scale_bytes) +
                 m * n * format_bytes(FORMAT_BF16),
    };
    struct kernel_work work = shape->gradient == EXPERTS_WEIGHT_GRADIENT
                                  ? weight_gradient_work(gpu, shape, m, matrices)
                                  : launch_work(gpu, shape, tile, &launch);
    work.flops = 2.0 * m * n * k;
    return work;
}
