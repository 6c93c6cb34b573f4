/* SPDX-License-Identifier: MIT
 * Sizes of CUDA graphs, against vLLM's list: 1, 2, 4, 8, 16, ... 256, 272, ... 512. */
#include "models/passes/graphs.h"
#include "run_tests.h"

static const struct graph_sizes sizes = {
    .multiple_tokens = 8, .coarse_from_tokens = 256, .coarse_multiple_tokens = 16};

START_TEST(a_step_is_filled_up_to_the_next_size)
{
    static const uint64_t pairs[][2] = {{1, 1},     {2, 2},     {3, 4},     {4, 4},     {5, 8},
                                        {8, 8},     {9, 16},    {16, 16},   {17, 24},   {249, 256},
                                        {256, 256}, {257, 272}, {272, 272}, {273, 288}, {500, 512}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        ck_assert_uint_eq(graphs_size(&sizes, pairs[i][0]), pairs[i][1]);
    }
}
END_TEST

START_TEST(without_sizes_nothing_is_filled_up)
{
    static const struct graph_sizes none = {0};
    ck_assert_uint_eq(graphs_size(&none, 13), 13);
}
END_TEST

RUN_TESTS(graphs, a_step_is_filled_up_to_the_next_size, without_sizes_nothing_is_filled_up)
