/* SPDX-License-Identifier: MIT
 * Intervals and drift. A formula that took neighbours for independent would pass the worked cases
 * and fail the coverage of correlated values; one that took any slope for drift would fail the
 * queue below its capacity. */
#include "models/numeric/random.h"
#include "models/numeric/steady.h"

#include "run_tests.h"

#include <math.h>
#include <stdio.h>

START_TEST(nearest_ranks)
{
    /* Of 1 to 10, in any order: half is the 5th, 0.99 the 10th, 0 the first. */
    for (size_t turn = 0; turn < 10; turn++) {
        double values[10];
        for (size_t i = 0; i < 10; i++) {
            values[i] = 1.0 + (double)((7 * i + turn) % 10);
        }
        ck_assert_double_eq(steady_nearest_rank(values, 10, 0.5), 5.0);
        ck_assert_double_eq(steady_nearest_rank(values, 10, 0.99), 10.0);
        ck_assert_double_eq(steady_nearest_rank(values, 10, 0.0), 1.0);
    }
    double same[] = {2.0, 2.0, 2.0, 1.0, 2.0};
    ck_assert_double_eq(steady_nearest_rank(same, 5, 0.2), 1.0);
    ck_assert_double_eq(steady_nearest_rank(same, 5, 0.4), 2.0);
}
END_TEST

START_TEST(an_interval_by_hand)
{
    /* 20 values make 5 batches of 4 for a median (2 on either side of it in each). Batches hold
     * 4 times 1, 2, 3, 4, 5: medians 1 to 5, mean 3, variance 10 / 4 = 2.5, standard error
     * sqrt(2.5 / 5) = 0.70711; t of 4 degrees is 2.776: 3 +- 1.96293. */
    double values[20], scratch[20];
    for (size_t i = 0; i < 20; i++) {
        values[i] = 1.0 + (double)(i / 4);
    }
    struct steady_interval interval = steady_quantile(values, 20, 0.5, 3.0, scratch);
    ck_assert(interval.known);
    ck_assert_double_eq_tol(interval.low, 3.0 - 1.96293, 1e-4);
    ck_assert_double_eq_tol(interval.high, 3.0 + 1.96293, 1e-4);
    interval = steady_mean(values, 20, 3.0);
    ck_assert_double_eq_tol(interval.high, 3.0 + 1.96293, 1e-4);
    /* One value fewer is too few, and a 99th percentile needs 5 x 2 / 0.01. */
    ck_assert(!steady_quantile(values, 19, 0.5, 3.0, scratch).known);
    ck_assert_uint_eq(steady_values_needed(0.5), 20);
    ck_assert_uint_eq(steady_values_needed(0.99), 1000);
}
END_TEST

/* Waiting times of an M/M/1 queue by Lindley's recursion, and the level of its work. */
static void queue(struct random_stream *stream, double load, double *waits, size_t count)
{
    double wait = 0.0;
    for (size_t i = 0; i < count; i++) {
        waits[i] = wait;
        wait = fmax(0.0, wait + random_exponential(stream, load) - random_exponential(stream, 1.0));
    }
}

enum { RUNS = 300, WAITS = 20000, STRETCHES = 10 };

START_TEST(intervals_cover_the_truth)
{
    /* The wait of an M/M/1 queue of load 0.5 in units of the mean gap: P(W > w) = 0.5 exp(-w (1 /
     * 0.5 - 1)), so the 90th percentile is ln(0.5 / 0.1) = 1.60944. */
    static double waits[WAITS], scratch[WAITS], sorted[WAITS];
    struct random_stream stream = random_open(7, "coverage");
    int covered = 0;
    for (int run = 0; run < RUNS; run++) {
        queue(&stream, 0.5, waits, WAITS);
        for (size_t i = 0; i < WAITS; i++) {
            sorted[i] = waits[i];
        }
        double figure = steady_nearest_rank(sorted, WAITS, 0.9);
        struct steady_interval interval = steady_quantile(waits, WAITS, 0.9, figure, scratch);
        covered += interval.low <= log(5.0) && log(5.0) <= interval.high;
    }
    printf("coverage of 95 %% intervals: %.1f %%\n", 100.0 * covered / RUNS);
    ck_assert_int_ge(covered, (int)(0.91 * RUNS));
    ck_assert_int_le(covered, (int)(0.99 * RUNS));
}
END_TEST

/* How many of the runs are said to grow. */
static int growing(double load, size_t values)
{
    static double waits[WAITS];
    struct random_stream stream = random_open(11, "drift");
    int grows = 0;
    for (int run = 0; run < RUNS; run++) {
        double levels[STRETCHES] = {0.0};
        queue(&stream, load, waits, values);
        for (size_t i = 0; i < values; i++) {
            levels[i * STRETCHES / values] += waits[i];
        }
        grows += steady_grows(levels, STRETCHES, 0.5);
    }
    printf("load %.2f, %zu values: %.1f %% grow\n", load, values, 100.0 * grows / RUNS);
    return grows;
}

START_TEST(drift)
{
    ck_assert_int_le(growing(0.7, 2000), (int)(0.05 * RUNS));
    ck_assert_int_le(growing(0.9, 10000), (int)(0.05 * RUNS));
    ck_assert_int_ge(growing(1.1, 10000), (int)(0.99 * RUNS));
    ck_assert_int_ge(growing(1.3, 2000), (int)(0.99 * RUNS));
    double level[] = {5.0, 5.0, 5.0, 5.0, 5.0, 5.0};
    ck_assert(!steady_grows(level, 6, 0.0));
}
END_TEST

RUN_TESTS(steady, nearest_ranks, an_interval_by_hand, intervals_cover_the_truth, drift)
