/* SPDX-License-Identifier: MIT
 * GEMM: the library picks a tile; tiles go round the SMs in waves; a product with few tiles is
 * split along k. Tile sizes are those seen in the names of cuBLAS 13's kernels on an H100
 * (nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA: one tile of 256 x 128). */
#include "models/kernels/gpu_matmul.h"

#include <assert.h>
#include <math.h>

/* `rows` is the side that the matrix unit takes in steps of 64, `columns` the other one; either may
 * lie along m. */
struct tile {
    uint16_t rows, columns;
};

static const struct tile bf16_tiles[] = {
    {320, 128}, {256, 128}, {192, 192}, {192, 128}, {128, 224}, {128, 176}, {128, 168}, {128, 160},
    {128, 144}, {128, 128}, {128, 112}, {128, 96},  {128, 80},  {256, 64},  {64, 224},  {64, 144},
    {128, 64},  {64, 112},  {64, 96},   {64, 80},   {64, 64},   {64, 48},   {128, 32},  {64, 32},
    {256, 16},  {128, 16},  {64, 16},   {256, 8},   {128, 8},   {64, 8},
};
/* FP8 products with one scale a tensor: smaller tiles, their sums are promoted in registers. */
static const struct tile fp8_tiles[] = {
    {128, 160}, {128, 144}, {128, 128}, {128, 112}, {128, 80}, {256, 64}, {64, 144},
    {64, 128},  {128, 64},  {64, 112},  {64, 72},   {64, 64},  {64, 48},  {128, 32},
    {64, 32},   {128, 16},  {64, 16},   {128, 8},   {64, 8},
};
/* With a scale a row and column there is one kernel. */
static const struct tile fp8_row_tiles[] = {{128, 128}};
/* With scales of 1 x 128 activations and 128 x 128 weights there are two: the narrow one takes
 * products of so few tokens alone. */
static const struct tile fp8_block_tiles[] = {{128, 128}, {64, 16}};

static const uint16_t splits[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16};

struct tile_family {
    const struct tile *tiles;
    size_t count;
    bool splits;
};

static struct tile_family family_of(enum scaling scaling)
{
    switch (scaling) {
    case SCALING_TENSOR:
        return (struct tile_family){fp8_tiles, sizeof fp8_tiles / sizeof *fp8_tiles, true};
    case SCALING_BLOCK:
        return (struct tile_family){fp8_block_tiles,
                                    sizeof fp8_block_tiles / sizeof *fp8_block_tiles, false};
    case SCALING_ROW:
        return (struct tile_family){fp8_row_tiles, sizeof fp8_row_tiles / sizeof *fp8_row_tiles,
                                    false};
    case SCALING_NONE:
    case SCALING_COUNT:
        break;
    }
    return (struct tile_family){bf16_tiles, sizeof bf16_tiles / sizeof *bf16_tiles, true};
}

/* One way to compute the product. */
struct plan {
    double seconds; /* at boost clock */
    double sm_cycles, fixed_seconds;
    double matmul_flops; /* what the matrix units do, padding included */
    double tile_bytes;   /* L2 to SMs */
    bool full;           /* at least one tile for every SM */
};

static double ceil_div(double a, double b)
{
    return ceil(a / b);
}

/* What a tile reads for one step along k. */
static double tile_bytes_per_k(const struct gemm_shape *shape, struct tile tile, double along_n)
{
    double along_m = tile.rows + tile.columns - along_n;
    return along_m * format_bytes(shape->format) + along_n * matmul_weight_bytes(shape);
}

/* Cycles of one SM for one step along k. The matrix unit reads a 64-row slab and all columns from
 * shared memory at 128 bytes a clock while it multiplies: with fewer than 64 columns the reading
 * takes longer than the product. `weight_columns`: those that this SM is the first to fetch from
 * memory, its neighbours along m fetch theirs. */
static double cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape, struct tile tile,
                           double along_n, double weight_columns)
{
    double columns = fmax(tile.columns, 32.0 + 0.5 * tile.columns);
    double multiply = 2.0 * tile.rows * columns / matmul_flops_per_clock(gpu, shape->format);
    double load = tile_bytes_per_k(shape, tile, along_n);
    double first_load = weight_columns * matmul_weight_bytes(shape) * gpu->boost_clock_hertz;
    return fmax(
        multiply / matmul_efficiency(gpu, shape) +
            matmul_lane_cycles_per_k(gpu, shape, tile.rows, tile.columns, along_n),
        fmax(load / gpu->tile_bytes_per_clock, first_load / gpu->sm_memory_bytes_per_second));
}

static struct plan plan_tiles(const struct gpu *gpu, const struct gemm_shape *shape,
                              struct tile tile, bool rows_along_m, double split,
                              double memory_seconds)
{
    double along_m = rows_along_m ? tile.rows : tile.columns;
    double along_n = rows_along_m ? tile.columns : tile.rows;
    double tiles_along_m = ceil_div((double)shape->m, along_m);
    double tiles = tiles_along_m * ceil_div((double)shape->n, along_n);
    double k_step = 128.0 / format_bytes(shape->format); /* elements a pipeline stage holds */
    double k = ceil_div((double)shape->k, split * k_step) * k_step;
    double waves = ceil_div(tiles * split, gpu->streaming_multiprocessors);
    double between =
        gpu->tile_seconds[matmul_fitted_scaling(shape->scaling)] * gpu->boost_clock_hertz;

    struct plan plan = {
        .sm_cycles = waves * (k * cycles_per_k(gpu, shape, tile, along_n, along_n / tiles_along_m) +
                              between),
        .fixed_seconds = gpu->matmul_seconds[matmul_fitted_scaling(shape->scaling)],
        .matmul_flops = 2.0 * tiles * split * k * tile.rows * tile.columns,
        .tile_bytes = tiles * split * k * tile_bytes_per_k(shape, tile, along_n),
    };
    plan.full = tiles * split >= gpu->streaming_multiprocessors;
    if (split > 1.0) { /* partial sums in fp32, written and read again, in L2 */
        double partial_bytes = 2.0 * split * (double)shape->m * (double)shape->n * 4.0;
        plan.fixed_seconds += gpu->split_seconds + partial_bytes / gpu->l2_bytes_per_second;
    }
    plan.seconds = plan.fixed_seconds +
                   overlapped_seconds(gpu, plan.sm_cycles / gpu->boost_clock_hertz, memory_seconds);
    return plan;
}

/* The narrowest side that holds all of `size`, if one does: wider ones only pad. */
static bool pads(double size, double side)
{
    return side > 8.0 && side >= 2.0 * size;
}

/* Whether the library has `tile` for a product with such scales only where it holds all tokens. */
static bool takes_all_tokens(const struct gemm_shape *shape, size_t index, bool turned,
                             struct tile tile)
{
    bool narrow = shape->scaling == SCALING_BLOCK && index > 0;
    return !narrow || (turned && (double)shape->m <= tile.columns);
}

/* The library's heuristics are taken to find the fastest plan at full clock; of plans alike, the
 * one with the larger tile (first in the table), which moves fewer bytes. */
static struct plan best_plan(const struct gpu *gpu, const struct gemm_shape *shape,
                             double memory_seconds)
{
    struct tile_family family = family_of(shape->scaling);
    struct plan best = {.seconds = INFINITY};
    for (size_t i = 0; i < family.count; i++) {
        for (int turned = 0; turned < 2; turned++) {
            struct tile tile = family.tiles[i];
            double along_m = turned == 0 ? tile.rows : tile.columns;
            if ((family.splits && pads((double)shape->m, along_m)) ||
                !takes_all_tokens(shape, i, turned != 0, tile)) {
                continue;
            }
            for (size_t j = 0; j < sizeof splits / sizeof *splits; j++) {
                struct plan plan =
                    plan_tiles(gpu, shape, tile, turned == 0, splits[j], memory_seconds);
                if (plan.seconds < best.seconds * (1.0 - 1e-3)) {
                    best = plan;
                }
                if (!family.splits || plan.full) {
                    break; /* every SM has a tile: splitting on only adds work */
                }
            }
        }
    }
    return best;
}

struct kernel_work gemm_work(const struct gpu *gpu, const struct gemm_shape *shape)
{
    assert(shape->m > 0 && shape->n > 0 && shape->k > 0 && "an empty product");
    if (shape->experts.count > 0) {
        return grouped_gemm_work(gpu, shape);
    }
    assert((shape->scaling != SCALING_BLOCK || shape->block > 0) && "blocks of no size");
    double m = (double)shape->m;
    double n = (double)shape->n;
    double k = (double)shape->k;
    double read = m * k * format_bytes(shape->format) + n * k * matmul_weight_bytes(shape) +
                  shape->scale_bytes;
    double written = m * n * format_bytes(FORMAT_BF16);
    if (shape->accumulates) {
        written = m * n * 2.0 * format_bytes(FORMAT_FP32); /* read, added to and written */
    }
    double memory_seconds =
        (read + written) / (gpu->memory_bytes_per_second * gpu->memory_efficiency);
    struct plan plan = best_plan(gpu, shape, memory_seconds);
    return (struct kernel_work){
        .fixed_seconds = plan.fixed_seconds,
        .sm_cycles = plan.sm_cycles,
        .memory_seconds = memory_seconds,
        .flops = 2.0 * m * n * k,
        .bytes = read + written,
        .core_joules = plan.matmul_flops * matmul_joules_per_flop(gpu, shape->format) +
                       plan.tile_bytes * gpu->tile_joules_per_byte,
        .memory_joules = (read + written) * gpu->memory_joules_per_byte,
    };
}
