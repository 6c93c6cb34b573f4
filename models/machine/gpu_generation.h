/* SPDX-License-Identifier: MIT
 * A generation of GPUs, as the libraries' kernels see it: which tiles they cut products and
 * attention into, and what its SMs take at once. GPUs of one die share it (an H100 and an H200);
 * another generation is another file of platforms/generations/, each value with its source. */
#ifndef CPSIM_MODELS_MACHINE_GPU_GENERATION_H
#define CPSIM_MODELS_MACHINE_GPU_GENERATION_H

#include "models/machine/fitted.h"
#include "models/machine/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one SM computes of a product at a time. `rows` is the side that the matrix unit takes in
 * steps of its own, `columns` the other one; either may lie along m. */
struct tile {
    uint32_t rows, columns;
};

struct tile_list {
    const struct tile *tiles; /* [count] */
    size_t count;
};

/* The kernels of products whose operands are scaled alike. */
struct tile_family {
    struct tile_list tiles;
    struct tile_list narrow_tiles; /* for products whose tokens all fit in the columns of one */
    bool splits;                   /* kernels that split a product along k */
};

struct gpu_generation {
    const char *name;

    /* Matrix products. */
    struct tile_family families[SCALING_COUNT]; /* by how operands are scaled */
    const uint32_t *splits;                     /* [split_count], along k, ascending from 1 */
    size_t split_count;
    uint32_t matrix_rows; /* that a matrix unit takes at once, from shared memory: with fewer
                             columns reading takes longer than multiplying */
    uint32_t least_side;  /* of a tile */
    double stage_bytes;   /* along k that a stage of the pipeline holds */
    uint32_t few_rows;    /* up to so many rows a product is bound by its weights, and software
                             stacks have kernels of their own for it */

    /* Products of a mixture of experts: a tile for few rows in all, one for more. */
    uint32_t grouped_few_rows;
    struct tile_list grouped_tiles; /* two */

    /* Attention. */
    uint32_t attention_queries; /* of a block in prefill, and keys of one in its masks */
    uint32_t decode_queries;    /* of a sequence, up to which the decode kernel is used */
    uint32_t decode_rows;       /* of its tile: queries of all heads that share a key-value head */
    uint32_t decode_whole_keys; /* up to which a sequence stays whole ... */
    uint32_t decode_part_keys;  /* ... and the fewest of a part, unless the caller says so */
    uint32_t head_step;         /* matrix units work on head sizes in such steps */

    double l2_share;           /* of the L2, up to which a kernel finds its input there */
    double lowest_clock_share; /* of the boost clock: no part in use sinks lower */

    /* The GPUs that its kernels were measured on; 0, 0: none was. */
    struct fitted_range measured_flops_per_clock; /* bf16, of an SM */
    struct fitted_range measured_memory_bytes_per_second;
    struct fitted_range measured_multiprocessors;
};

#endif
