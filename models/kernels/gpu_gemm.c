/* SPDX-License-Identifier: MIT
 * GEMM: the library picks a tile; tiles go round the SMs in waves; a product with few tiles is
 * split along k. Tile sizes are the generation's (models/machine/gpu_generation.h). */
#include "models/kernels/gpu_matmul.h"

#include <assert.h>
#include <math.h>

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
    double along_m = (double)tile.rows + tile.columns - along_n;
    return along_m * format_bytes(shape->format) + along_n * matmul_weight_bytes(shape);
}

/* Cycles of one SM for one step along k. The matrix unit reads a slab of its rows and all columns
 * from shared memory while it multiplies, and keeps up when they are as many: with fewer columns
 * the reading takes longer than the product. `weight_columns`: those that this SM is the first to
 * fetch from memory, its neighbours along m fetch theirs. */
static double cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape, struct tile tile,
                           double along_n, double weight_columns)
{
    double columns = fmax(tile.columns, 0.5 * ((double)gpu->generation.matrix_rows + tile.columns));
    double multiply = 2.0 * tile.rows * columns / matmul_flops_per_clock(gpu, shape->format);
    double load = tile_bytes_per_k(shape, tile, along_n);
    double first_load = weight_columns * matmul_weight_bytes(shape) * gpu->boost_clock_hertz;
    return fmax(
        multiply / matmul_efficiency(gpu, shape) +
            matmul_lane_cycles_per_k(gpu, shape, tile.rows, tile.columns, along_n),
        fmax(load / gpu->tile_bytes_per_clock, first_load / gpu->sm_memory_bytes_per_second));
}

static double start_seconds(const struct gpu *gpu, const struct gemm_shape *shape)
{
    const struct product_kernel *kernel = library_product(shape);
    return kernel != NULL ? kernel->start_seconds
                          : gpu->matmul_seconds[matmul_fitted_scaling(shape->scaling)];
}

/* Kernels that overlap take as long as the longer at least, but for a rounding error. */
static const double LEAST_OF_OVERLAP = 1.0 - 1e-9;

/* Its seconds are those of a plan that takes less than `most`; of others they may be fewer than it
 * takes, yet no less than `most`. */
static struct plan plan_tiles(const struct gpu *gpu, const struct gemm_shape *shape,
                              struct tile tile, bool rows_along_m, double split,
                              double memory_seconds, double most)
{
    double along_m = rows_along_m ? tile.rows : tile.columns;
    double along_n = rows_along_m ? tile.columns : tile.rows;
    double tiles_along_m = ceil_div((double)shape->m, along_m);
    double tiles = tiles_along_m * ceil_div((double)shape->n, along_n);
    double k_step =
        gpu->generation.stage_bytes / format_bytes(shape->format); /* elements of a stage */
    double k = ceil_div((double)shape->k, split * k_step) * k_step;
    double waves = ceil_div(tiles * split, gpu->streaming_multiprocessors);
    double between =
        gpu->tile_seconds[matmul_fitted_scaling(shape->scaling)] * gpu->boost_clock_hertz;

    struct plan plan = {
        .sm_cycles = waves * (k * cycles_per_k(gpu, shape, tile, along_n, along_n / tiles_along_m) +
                              between),
        .fixed_seconds = start_seconds(gpu, shape),
        .matmul_flops = 2.0 * tiles * split * k * tile.rows * tile.columns,
        .tile_bytes = tiles * split * k * tile_bytes_per_k(shape, tile, along_n),
    };
    plan.full = tiles * split >= gpu->streaming_multiprocessors;
    if (split > 1.0) { /* partial sums in fp32, written and read again, in L2 */
        double partial_bytes = 2.0 * split * (double)shape->m * (double)shape->n * 4.0;
        plan.fixed_seconds += gpu->split_seconds + partial_bytes / gpu->l2_bytes_per_second;
    }
    double sm_seconds = plan.sm_cycles / gpu->boost_clock_hertz;
    plan.seconds = plan.fixed_seconds + LEAST_OF_OVERLAP * fmax(sm_seconds, memory_seconds);
    if (plan.seconds < most) {
        plan.seconds = plan.fixed_seconds + overlapped_seconds(gpu, sm_seconds, memory_seconds);
    }
    return plan;
}

/* The narrowest side that holds all of `size`, if one does: wider ones only pad. */
static bool pads(const struct gpu *gpu, double size, double side)
{
    return side > gpu->generation.least_side && side >= 2.0 * size;
}

/* The best plan so far, and what every plan is made from. */
struct search {
    const struct gpu *gpu;
    const struct gemm_shape *shape;
    double memory_seconds;
    struct plan best;
};

/* Of plans alike, the one that was tried first stays. */
static void try_tile(struct search *search, const struct tile_family *family, struct tile tile,
                     bool rows_along_m)
{
    const struct gpu_generation *generation = &search->gpu->generation;
    for (size_t i = 0; i < generation->split_count; i++) {
        double most = search->best.seconds * (1.0 - 1e-3);
        struct plan plan = plan_tiles(search->gpu, search->shape, tile, rows_along_m,
                                      generation->splits[i], search->memory_seconds, most);
        if (plan.seconds < most) {
            search->best = plan;
        }
        if (!family->splits || plan.full) {
            break; /* every SM has a tile: splitting on only adds work */
        }
    }
}

/* The library's heuristics are taken to find the fastest plan at full clock; of plans alike, the
 * one with the larger tile (first in the list), which moves fewer bytes. */
static struct plan best_plan(const struct gpu *gpu, const struct gemm_shape *shape,
                             double memory_seconds)
{
    const struct product_kernel *own = library_product(shape);
    const struct tile_family *family =
        own != NULL ? &own->family : &gpu->generation.families[shape->scaling];
    struct search search = {.gpu = gpu,
                            .shape = shape,
                            .memory_seconds = memory_seconds,
                            .best = {.seconds = INFINITY}};
    double m = (double)shape->m;
    for (size_t i = 0; i < family->tiles.count; i++) {
        struct tile tile = family->tiles.tiles[i];
        for (int turned = 0; turned < 2; turned++) {
            double along_m = turned == 0 ? tile.rows : tile.columns;
            if (!family->splits || !pads(gpu, m, along_m)) {
                try_tile(&search, family, tile, turned == 0);
            }
        }
    }
    for (size_t i = 0; i < family->narrow_tiles.count; i++) {
        struct tile tile = family->narrow_tiles.tiles[i];
        if (m <= tile.columns) {
            try_tile(&search, family, tile, false);
        }
    }
    return search.best;
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
