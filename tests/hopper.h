/* SPDX-License-Identifier: MIT
 * Hopper's tiles for GPUs that a test makes up, as platforms/generations/hopper.yaml has them;
 * tests/unit/test_scenario_load.c compares the two. */
#ifndef CPSIM_TESTS_HOPPER_H
#define CPSIM_TESTS_HOPPER_H

#include "models/machine/gpu_generation.h"

static const struct tile hopper_none[] = {
    {320, 128}, {256, 128}, {192, 192}, {192, 128}, {128, 224}, {128, 176}, {128, 168}, {128, 160},
    {128, 144}, {128, 128}, {128, 112}, {128, 96},  {128, 80},  {256, 64},  {64, 224},  {64, 144},
    {128, 64},  {64, 112},  {64, 96},   {64, 80},   {64, 64},   {64, 48},   {128, 32},  {64, 32},
    {256, 16},  {128, 16},  {64, 16},   {256, 8},   {128, 8},   {64, 8},
};
static const struct tile hopper_tensor[] = {
    {128, 160}, {128, 144}, {128, 128}, {128, 112}, {128, 80}, {256, 64}, {64, 144},
    {64, 128},  {128, 64},  {64, 112},  {64, 72},   {64, 64},  {64, 48},  {128, 32},
    {64, 32},   {128, 16},  {64, 16},   {128, 8},   {64, 8},
};
static const struct tile hopper_square[] = {{128, 128}};
static const struct tile hopper_narrow[] = {{64, 16}};
static const struct tile hopper_grouped[] = {{64, 128}, {128, 256}};
static const uint32_t hopper_splits[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16};

#define HOPPER_TILES(array)                                                                        \
    {                                                                                              \
        (array), sizeof(array) / sizeof *(array)                                                   \
    }
#define HOPPER_GENERATION                                                                          \
    {                                                                                              \
        .name = "hopper",                                                                          \
        .families = {[SCALING_NONE] = {.tiles = HOPPER_TILES(hopper_none), .splits = true},        \
                     [SCALING_TENSOR] = {.tiles = HOPPER_TILES(hopper_tensor), .splits = true},    \
                     [SCALING_ROW] = {.tiles = HOPPER_TILES(hopper_square)},                       \
                     [SCALING_BLOCK] = {.tiles = HOPPER_TILES(hopper_square),                      \
                                        .narrow_tiles = HOPPER_TILES(hopper_narrow)}},             \
        .splits = hopper_splits, .split_count = sizeof hopper_splits / sizeof *hopper_splits,      \
        .matrix_rows = 64, .least_side = 8, .stage_bytes = 128.0, .few_rows = 64,                  \
        .grouped_few_rows = 128, .grouped_tiles = HOPPER_TILES(hopper_grouped),                    \
        .attention_queries = 128, .decode_queries = 16, .decode_rows = 64,                         \
        .decode_whole_keys = 512, .decode_part_keys = 128, .head_step = 64, .l2_share = 0.75,      \
        .lowest_clock_share = 0.3                                                                  \
    }

#endif
