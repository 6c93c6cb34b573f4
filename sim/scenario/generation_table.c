/* SPDX-License-Identifier: MIT
 * platforms/generations/ *.yaml: what GPUs of one die share. */
#include "models/machine/gpu_generation.h"

#include "sim/scenario/tables.h"

#include <assert.h>

static_assert(sizeof(struct tile) == 2 * sizeof(uint32_t), "a FIELD_SIZES pair");

#define TILES_AT(type, member)                                                                     \
    .kind = FIELD_SIZES, .offset = offsetof(struct type, member.tiles),                            \
    .size = sizeof(const struct tile *), .count_offset = offsetof(struct type, member.count)

enum { MOST_TILES = 256 };

static const struct field family_fields[] = {
    {.key = "tiles",
     TILES_AT(tile_family, tiles),
     .required = true,
     .min = 1,
     .max = MOST_TILES,
     .doc = "Of a kernel, rows (the side that the matrix unit takes in steps of matrix_rows) by "
            "columns; either may lie along the tokens. The largest first: of tiles that are alike "
            "the first is taken."},
    {.key = "narrow_tiles",
     TILES_AT(tile_family, narrow_tiles),
     .max = MOST_TILES,
     .doc = "Taken by products whose tokens all fit in the columns of one."},
    {.key = "splits",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(tile_family, splits),
     .required = true,
     .doc = "Whether there are kernels that split a product along its depth."},
    {0}};

#define FAMILY(name, scaling, text)                                                                \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, .required = true,                                      \
        .offset =                                                                                  \
            offsetof(struct gpu_generation, families) + (scaling) * sizeof(struct tile_family),    \
        .size = sizeof(struct tile_family), .fields = family_fields, .doc = text                   \
    }
#define COUNT(name, member, text)                                                                  \
    {                                                                                              \
        .key = name, .kind = FIELD_COUNT, FIELD_AT(gpu_generation, member), .required = true,      \
        .min = 1, .max = 1e9, .doc = text                                                          \
    }

static const struct field split_field = {
    .kind = FIELD_COUNT, .size = sizeof(uint32_t), .min = 1, .max = 1024};

static const struct field matmul_fields[] = {
    FAMILY("none", SCALING_NONE, "Operands of 16 bits, without scales."),
    FAMILY("tensor", SCALING_TENSOR, "A scale a tensor."),
    FAMILY("row", SCALING_ROW, "A scale a row and column."),
    FAMILY("block", SCALING_BLOCK, "A scale a block along the depth."),
    {.key = "split_parts",
     .kind = FIELD_LIST,
     FIELD_AT(gpu_generation, splits),
     .count_offset = offsetof(struct gpu_generation, split_count),
     .item = &split_field,
     .required = true,
     .min = 1,
     .max = 64,
     .doc = "Parts that kernels cut a product's depth into, from 1 on."},
    COUNT("matrix_rows", matrix_rows,
          "Rows that a matrix unit takes at once. It reads them and all columns from shared memory "
          "meanwhile: with fewer columns than rows, reading takes longer than multiplying."),
    COUNT("least_side", least_side, "The shortest side of a tile."),
    {.key = "stage",
     .kind = FIELD_BYTES,
     FIELD_AT(gpu_generation, stage_bytes),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "Of a row along the depth that a stage of a kernel's pipeline holds."},
    COUNT("few_rows", few_rows,
          "Up to so many rows a product is bound by its weights, and software stacks have kernels "
          "of their own for it: their matmul_efficiency is of larger ones."),
    {0}};

static const struct field grouped_fields[] = {
    COUNT("few_rows", grouped_few_rows,
          "Rows of all experts together, up to which the first tile is used."),
    {.key = "tiles",
     TILES_AT(gpu_generation, grouped_tiles),
     .required = true,
     .min = 2,
     .max = 2,
     .doc = "For few rows and for many: rows by columns of the weights."},
    {0}};

static const struct field rate_range_fields[] = {{.key = "least",
                                                  .kind = FIELD_BYTES_PER_SECOND,
                                                  FIELD_AT(fitted_range, least),
                                                  .required = true,
                                                  .max = 1e18,
                                                  .doc = "The smallest that was measured."},
                                                 {.key = "most",
                                                  .kind = FIELD_BYTES_PER_SECOND,
                                                  FIELD_AT(fitted_range, most),
                                                  .required = true,
                                                  .max = 1e18,
                                                  .doc = "The largest."},
                                                 {0}};

static const struct field attention_fields[] = {
    COUNT("block_queries", attention_queries,
          "Queries of one block in prefill, and keys of one in its masks."),
    COUNT("decode_queries", decode_queries,
          "New tokens of a sequence, up to which decode's kernel is used."),
    COUNT("decode_rows", decode_rows,
          "Rows of its tile: queries of all heads that share a key-value head."),
    COUNT("decode_whole_keys", decode_whole_keys,
          "Keys up to which decode leaves a sequence whole."),
    COUNT("decode_part_keys", decode_part_keys, "The fewest keys of a part, otherwise."),
    COUNT("head_step", head_step, "Matrix units work on head sizes in such steps."),
    {0}};

static const struct field measured_fields[] = {
    {.key = "flops_per_clock",
     .kind = FIELD_MAPPING,
     FIELD_AT(gpu_generation, measured_flops_per_clock),
     .fields = fitted_range_fields,
     .doc = "Dense bf16 FLOPs of an SM in a clock."},
    {.key = "streaming_multiprocessors",
     .kind = FIELD_MAPPING,
     FIELD_AT(gpu_generation, measured_multiprocessors),
     .fields = fitted_range_fields,
     .doc = "SMs of a GPU."},
    {.key = "memory_rate",
     .kind = FIELD_MAPPING,
     FIELD_AT(gpu_generation, measured_memory_bytes_per_second),
     .fields = rate_range_fields,
     .doc = "Peak rate of the memory."},
    {0}};

const struct field gpu_generation_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(gpu_generation, name),
     .fallback = "inline",
     .doc = "What notes call it. Default: the file's name."},
    {.key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."},
    {.key = "matmul",
     .kind = FIELD_MAPPING,
     .required = true,
     .fields = matmul_fields,
     .doc = "Kernels of GEMMs, by how their operands are scaled."},
    {.key = "grouped",
     .kind = FIELD_MAPPING,
     .required = true,
     .fields = grouped_fields,
     .doc = "The kernel of products of a mixture of experts."},
    {.key = "attention",
     .kind = FIELD_MAPPING,
     .required = true,
     .fields = attention_fields,
     .doc = "Kernels of attention."},
    {.key = "l2_share",
     .kind = FIELD_NUMBER,
     FIELD_AT(gpu_generation, l2_share),
     .required = true,
     .min = 0.01,
     .max = 1,
     .doc = "Of the L2, up to which a kernel finds there what the one before it wrote."},
    {.key = "lowest_clock_share",
     .kind = FIELD_NUMBER,
     FIELD_AT(gpu_generation, lowest_clock_share),
     .required = true,
     .min = 0.01,
     .max = 1,
     .doc = "Of the boost clock: the power limit pulls no clock lower."},
    {.key = "measured",
     .kind = FIELD_MAPPING,
     .fields = measured_fields,
     .doc = "The GPUs that these kernels were measured on. None: none was, and cpsim notes so, as "
            "it does where a GPU's rates are far outside."},
    {0}};
