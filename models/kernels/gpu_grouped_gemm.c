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

struct kernel_work grouped_gemm_work(const struct gpu *gpu, const struct gemm_shape *shape)
{
    assert(shape->experts.per_token > 0 && "rows of no token");
    double m = (double)shape->m, n = (double)shape->n, k = (double)shape->k;
    double tokens = m / shape->experts.per_token;
    double matrices = experts_touched(shape->experts, tokens);
    struct tile tile = tile_of(gpu, shape);
    double tiles = experts_blocks(shape->experts, tokens, tile.rows) * ceil(n / tile.columns);
    double waves = ceil(tiles / gpu->streaming_multiprocessors);
    double bytes = m * k * format_bytes(shape->format) +
                   matrices * (n * k * matmul_weight_bytes(shape) + shape->scale_bytes) +
                   m * n * format_bytes(FORMAT_BF16);
    double loaded =
        tiles * k *
        (tile.rows * format_bytes(shape->format) + tile.columns * matmul_weight_bytes(shape));
    double multiplied = 2.0 * tiles * k * tile.rows * tile.columns;
    return (struct kernel_work){
        .fixed_seconds = gpu->grouped_seconds + waves * gpu->grouped_tile_seconds,
        .sm_cycles = waves * k * cycles_per_k(gpu, shape, tile),
        .memory_seconds = bytes / (gpu->memory_bytes_per_second * gpu->memory_efficiency),
        .flops = 2.0 * m * n * k,
        .bytes = bytes,
        .core_joules = multiplied * matmul_joules_per_flop(gpu, shape->format) +
                       loaded * gpu->tile_joules_per_byte,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}
