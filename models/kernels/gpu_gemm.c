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

/* What every plan of a product is made from, whatever its tile. */
struct product {
    const struct gpu *gpu;
    const struct gemm_shape *shape;
    double m, n, k;
    double operand_bytes, weight_bytes; /* of one element, as it is multiplied and in memory */
    double flops_per_clock, efficiency; /* of an SM's matrix units */
    double k_step;                      /* elements of a stage */
    double between_cycles, start_seconds;
    double memory_seconds;
    double sm_memory_bytes_per_second;
};

static double start_seconds(const struct gpu *gpu, const struct gemm_shape *shape)
{
    const struct product_kernel *kernel = library_product(shape);
    return kernel != NULL ? kernel->start_seconds
                          : gpu->matmul_seconds[matmul_fitted_scaling(shape->scaling)];
}

static double sm_memory_rate(const struct gpu *gpu, const struct gemm_shape *shape)
{
    const struct product_kernel *kernel = library_product(shape);
    return kernel != NULL && kernel->sm_memory_bytes_per_second > 0.0
               ? kernel->sm_memory_bytes_per_second
               : gpu->sm_memory_bytes_per_second;
}

static struct product product_of(const struct gpu *gpu, const struct gemm_shape *shape,
                                 double memory_seconds)
{
    return (struct product){
        .gpu = gpu,
        .shape = shape,
        .m = (double)shape->m,
        .n = (double)shape->n,
        .k = (double)shape->k,
        .operand_bytes = format_bytes(shape->format),
        .weight_bytes = matmul_weight_bytes(shape),
        .flops_per_clock = matmul_flops_per_clock(gpu, shape->format),
        .efficiency = matmul_efficiency(gpu, shape),
        .k_step = gpu->generation.stage_bytes / format_bytes(shape->format),
        .between_cycles =
            gpu->tile_seconds[matmul_fitted_scaling(shape->scaling)] * gpu->boost_clock_hertz,
        .start_seconds = start_seconds(gpu, shape),
        .memory_seconds = memory_seconds,
        .sm_memory_bytes_per_second = sm_memory_rate(gpu, shape),
    };
}

/* What a tile reads for one step along k. */
static double tile_bytes_per_k(const struct product *product, struct tile tile, double along_n)
{
    double along_m = (double)tile.rows + tile.columns - along_n;
    return along_m * product->operand_bytes + along_n * product->weight_bytes;
}

/* Cycles of one SM for one step along k, for which it loads so many bytes. The matrix unit reads a
 * slab of its rows and all columns from shared memory while it multiplies, and keeps up when they
 * are as many: with fewer columns the reading takes longer than the product. `weight_columns`:
 * those that this SM is the first to fetch from memory, its neighbours along m fetch theirs. */
static double cycles_per_k(const struct product *product, struct tile tile, double along_n,
                           double weight_columns, double load)
{
    const struct gpu *gpu = product->gpu;
    double columns = fmax(tile.columns, 0.5 * ((double)gpu->generation.matrix_rows + tile.columns));
    double multiply = 2.0 * tile.rows * columns / product->flops_per_clock;
    double first_load = weight_columns * product->weight_bytes * gpu->boost_clock_hertz;
    return fmax(
        multiply / product->efficiency +
            matmul_lane_cycles_per_k(gpu, product->shape, tile.rows, tile.columns, along_n),
        fmax(load / gpu->tile_bytes_per_clock, first_load / product->sm_memory_bytes_per_second));
}

/* Kernels that overlap take as long as the longer at least, but for a rounding error. */
static const double LEAST_OF_OVERLAP = 1.0 - 1e-9;

/* Its seconds are those of a plan that takes less than `most`; of others they may be fewer than it
 * takes, yet no less than `most`. */
static struct plan plan_tiles(const struct product *product, struct tile tile, bool rows_along_m,
                              double split, double most)
{
    const struct gpu *gpu = product->gpu;
    double along_m = rows_along_m ? tile.rows : tile.columns;
    double along_n = rows_along_m ? tile.columns : tile.rows;
    double tiles_along_m = ceil_div(product->m, along_m);
    double tiles = tiles_along_m * ceil_div(product->n, along_n);
    double k = ceil_div(product->k, split * product->k_step) * product->k_step;
    double waves = ceil_div(tiles * split, gpu->streaming_multiprocessors);
    double load = tile_bytes_per_k(product, tile, along_n);

    struct plan plan = {
        .sm_cycles =
            waves * (k * cycles_per_k(product, tile, along_n, along_n / tiles_along_m, load) +
                     product->between_cycles),
        .fixed_seconds = product->start_seconds,
        .matmul_flops = 2.0 * tiles * split * k * tile.rows * tile.columns,
        .tile_bytes = tiles * split * k * load,
    };
    plan.full = tiles * split >= gpu->streaming_multiprocessors;
    if (split > 1.0) { /* partial sums in fp32, written and read again, in L2 */
        double partial_bytes = 2.0 * split * product->m * product->n * 4.0;
        plan.fixed_seconds += gpu->split_seconds + partial_bytes / gpu->l2_bytes_per_second;
    }
    double sm_seconds = plan.sm_cycles / gpu->boost_clock_hertz;
    plan.seconds =
        plan.fixed_seconds + LEAST_OF_OVERLAP * fmax(sm_seconds, product->memory_seconds);
    if (plan.seconds < most) {
        plan.seconds =
            plan.fixed_seconds + overlapped_seconds(gpu, sm_seconds, product->memory_seconds);
    }
    return plan;
}

/* The narrowest side that holds all of `size`, if one does: wider ones only pad. */
static bool pads(const struct gpu *gpu, double size, double side)
{
    return side > gpu->generation.least_side && side >= 2.0 * size;
}

/* Of plans alike, the one that was tried first stays. */
static void try_tile(const struct product *product, const struct tile_family *family,
                     struct tile tile, bool rows_along_m, struct plan *best)
{
    const struct gpu_generation *generation = &product->gpu->generation;
    for (size_t i = 0; i < generation->split_count; i++) {
        double most = best->seconds * (1.0 - 1e-3);
        struct plan plan = plan_tiles(product, tile, rows_along_m, generation->splits[i], most);
        if (plan.seconds < most) {
            *best = plan;
        }
        if (!family->splits || plan.full) {
            break; /* every SM has a tile: splitting on only adds work */
        }
    }
}

/* The row of a library's own table that a product falls under; NULL: it has none. */
static const struct product_rule *rule_of(const struct product_kernel *own,
                                          const struct gemm_shape *shape)
{
    for (size_t i = 0; own != NULL && i < own->rule_count; i++) {
        const struct product_rule *rule = &own->rules[i];
        if ((rule->most_tokens == 0 || shape->m <= rule->most_tokens) &&
            (rule->most_columns == 0 || shape->n <= rule->most_columns) &&
            shape->k >= rule->least_depth) {
            return rule;
        }
    }
    return NULL;
}

/* A library's table says which tile; where it has none, its heuristics are taken to find the
 * fastest plan at full clock; of plans alike, the one with the larger tile (first in the list),
 * which moves fewer bytes. */
static struct plan best_plan(const struct gpu *gpu, const struct gemm_shape *shape,
                             double memory_seconds)
{
    const struct product_kernel *own = library_product(shape);
    const struct tile_family *family =
        own != NULL ? &own->family : &gpu->generation.families[shape->scaling];
    const struct product product = product_of(gpu, shape, memory_seconds);
    struct plan best = {.seconds = INFINITY};
    const struct product_rule *rule = rule_of(own, shape);
    if (rule != NULL) {
        try_tile(&product, family, rule->tile.tiles[0], !rule->turned, &best);
        return best;
    }
    for (size_t i = 0; i < family->tiles.count; i++) {
        struct tile tile = family->tiles.tiles[i];
        for (int turned = 0; turned < 2; turned++) {
            double along_m = turned == 0 ? tile.rows : tile.columns;
            if (!family->splits || !pads(gpu, product.m, along_m)) {
                try_tile(&product, family, tile, turned == 0, &best);
            }
        }
    }
    for (size_t i = 0; i < family->narrow_tiles.count; i++) {
        struct tile tile = family->narrow_tiles.tiles[i];
        if (product.m <= tile.columns) {
            try_tile(&product, family, tile, false, &best);
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
