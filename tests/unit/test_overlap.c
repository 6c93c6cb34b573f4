/* SPDX-License-Identifier: MIT
 * Overlap factors worked by hand on round constants: 10 of 100 SMs held. */
#include "models/machine/overlap.h"

#include "run_tests.h"

static const struct overlap_constants constants = {
    .node_multiprocessors = 10.0,
    .fabric_multiprocessors = 2.0,
    .start_seconds = 1e-4,
    .memory_share = 0.2,
    .extra_waves = 1.0,
    .waiting_share = 0.25,
    .compute_slowdown = 1.25,
    .memory_slowdown = 2.0,
    .largest_share = 0.5,
    .wave_rows = 128,
    .wave_columns = 256,
};

static struct overlap_factors factors_of(struct overlap_kernel kernel,
                                         struct overlap_collective collective)
{
    return overlap_slowdown(&constants, 100, &kernel, &collective);
}

START_TEST(compute_bound)
{
    /* The collective: 1.25 + 0.25 x 3 ms / 1 ms = 2, so 2 ms together. The kernel: a share of
     * 0.1 x (1 + 0.1 / 2) = 0.105, 1/0.895, and a wave of 0.3 ms late: + 0.1. */
    struct overlap_factors factors =
        factors_of((struct overlap_kernel){.seconds = 3e-3, .wave_seconds = 3e-4},
                   (struct overlap_collective){.seconds = 1e-3});
    ck_assert_double_eq_tol(factors.collective, 2.0, 1e-12);
    ck_assert_double_eq_tol(factors.kernel, 1.0 / 0.895 + 0.1, 1e-12);
}
END_TEST

START_TEST(memory_bound)
{
    /* 1 ms of transfer takes 2; the kernel loses 0.2 x (1 + 0.1 / 2) = 0.21 of its rate. */
    struct overlap_factors factors =
        factors_of((struct overlap_kernel){.memory_bound = true, .seconds = 3e-3},
                   (struct overlap_collective){.seconds = 1e-3});
    ck_assert_double_eq_tol(factors.collective, 2.0, 1e-12);
    ck_assert_double_eq_tol(factors.kernel, 1.0 / 0.79, 1e-12);
}
END_TEST

START_TEST(over_the_fabric_only_the_channels_count)
{
    struct overlap_factors factors =
        factors_of((struct overlap_kernel){.seconds = 3e-3},
                   (struct overlap_collective){.fabric = true, .seconds = 1e-3});
    ck_assert_double_eq_tol(factors.collective, 1.0, 1e-12);
    ck_assert_double_eq_tol(factors.kernel, 1.0 / 0.98, 1e-12);
}
END_TEST

START_TEST(alone_is_alone)
{
    struct overlap_factors factors =
        factors_of((struct overlap_kernel){.seconds = 0.0}, (struct overlap_collective){0});
    ck_assert(factors.kernel == 1.0 && factors.collective == 1.0);
}
END_TEST

START_TEST(small_collectives_leave_half)
{
    struct overlap_factors factors =
        factors_of((struct overlap_kernel){.memory_bound = true, .seconds = 3e-3},
                   (struct overlap_collective){.seconds = 1e-9});
    ck_assert_double_eq_tol(factors.kernel, 2.0, 1e-12);
}
END_TEST

START_TEST(gemm_waves)
{
    /* 1024 x 2560: 8 x 10 blocks, one wave of 100 SMs; 1025 rows: 90 blocks, still one; 1536 x
     * 2560: 120, two. */
    ck_assert_double_eq_tol(overlap_gemm_wave_seconds(&constants, 1024, 2560, 1.0, 100), 1.0,
                            1e-12);
    ck_assert_double_eq_tol(overlap_gemm_wave_seconds(&constants, 1025, 2560, 1.0, 100), 1.0,
                            1e-12);
    ck_assert_double_eq_tol(overlap_gemm_wave_seconds(&constants, 1536, 2560, 1.0, 100), 0.5,
                            1e-12);
}
END_TEST

RUN_TESTS(overlap, compute_bound, memory_bound, over_the_fabric_only_the_channels_count,
          alone_is_alone, small_collectives_leave_half, gemm_waves)
