/* SPDX-License-Identifier: MIT
 * Quantiles without keeping values, whole and in batches. */
#include "models/numeric/random.h"
#include "sim/serving/result/histogram.h"

#include "run_tests.h"

#include <math.h>
#include <stdio.h>

START_TEST(quantiles_to_a_thousandth)
{
    struct arena *arena = arena_create();
    struct histogram histogram = histogram_create(arena), other = histogram_create(arena);
    ck_assert_double_eq(histogram_quantile(&histogram, 0.5), 0.0);
    for (int i = 1; i <= 1000; i++) {
        histogram_add(i % 2 == 0 ? &histogram : &other, i * 1e-3, 3);
    }
    struct histogram joined = histogram_create(arena);
    histogram_join(&joined, &histogram);
    histogram_join(&joined, &other);
    histogram_move(&histogram, &other);
    for (int i = 0; i <= 10; i++) {
        ck_assert_double_eq(histogram_quantile(&joined, i * 0.1),
                            histogram_quantile(&histogram, i * 0.1));
    }
    ck_assert_double_eq(histogram_quantile(&joined, 1.0), 1.0);
    ck_assert_uint_eq(histogram.count, 3000);
    ck_assert_uint_eq(other.count, 0);
    ck_assert_double_eq(histogram_quantile(&other, 0.5), 0.0);
    ck_assert_double_eq_tol(histogram_quantile(&histogram, 0.5), 0.5, 0.5e-3);
    ck_assert_double_eq_tol(histogram_quantile(&histogram, 0.99), 0.99, 1e-3);
    ck_assert_double_eq_tol(histogram.sum, 3.0 * 500.5, 1e-9);
    arena_destroy(arena);
}
END_TEST

/* Twelve orders of magnitude: every percentile is half a bin, 1 / 2048 of the value, from that of
 * the sorted values (nearest rank) at most, in one histogram or two that are put together. */
START_TEST(half_a_bin)
{
    enum { COUNT = 20000 };
    static double values[COUNT];
    struct arena *arena = arena_create();
    struct random_stream stream = random_open(11, "bins");
    struct histogram histogram = histogram_create(arena), other = histogram_create(arena);
    double worst = 0.0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = exp(3.0 * random_normal(&stream));
        histogram_add(i % 3 == 0 ? &other : &histogram, values[i], 1);
    }
    histogram_move(&histogram, &other);
    for (int percent = 1; percent <= 100; percent++) {
        double exact = steady_nearest_rank(values, COUNT, percent * 0.01);
        double error = histogram_quantile(&histogram, percent * 0.01) / exact - 1.0;
        worst = fmax(worst, fabs(error));
    }
    printf("worst of 100 percentiles: %.4f %%\n", 100.0 * worst);
    ck_assert_double_le(worst, 1.0 / 2048.0);
    arena_destroy(arena);
}
END_TEST

/* 6.5640 ms is above the middle of its bin, 3.90625 ms x (1 + 696.5 / 1024) = 6.5632 ms, and 6.5660
 * ms below that of its own, of 697.5: 6.5670 ms. Of one value all quantiles are that value, of two
 * the largest is exact and none is beyond them. */
START_TEST(nothing_beyond_the_values)
{
    struct arena *arena = arena_create();
    struct histogram histogram = histogram_create(arena), other = histogram_create(arena);
    ck_assert_double_eq(histogram_quantile(&histogram, 1.0), 0.0);
    histogram_add(&histogram, 6.5640e-3, 7);
    ck_assert_double_eq(histogram_quantile(&histogram, 0.5), 6.5640e-3);
    ck_assert_double_eq(histogram_quantile(&histogram, 1.0), 6.5640e-3);
    histogram_add(&other, 6.5660e-3, 1);
    histogram_move(&histogram, &other);
    ck_assert_double_eq(histogram_quantile(&histogram, 1.0), 6.5660e-3);
    ck_assert_double_ge(histogram_quantile(&histogram, 0.01), 6.5640e-3);
    ck_assert_double_eq(histogram_quantile(&other, 1.0), 0.0);
    arena_destroy(arena);
}
END_TEST

START_TEST(an_interval_by_hand)
{
    /* Five batches of 256 values, 1 to 5 s: mean 3, of the batches' means variance 2.5, standard
     * error sqrt(2.5 / 5) = 0.70711, Student's t of 4 degrees 2.776: 3 +- 1.96293 s. Medians of
     * batches are the middles of bins, 1 / 2048 of a power of two above them. */
    struct arena *arena = arena_create();
    struct batched_histogram histogram = batched_histogram_create(arena);
    for (int batch = 1; batch <= 5; batch++) {
        ck_assert(!batched_histogram_mean(&histogram).known);
        for (int i = 0; i < 64; i++) {
            batched_histogram_add(&histogram, batch, 4);
        }
    }
    struct steady_interval mean = batched_histogram_mean(&histogram);
    ck_assert(mean.known);
    ck_assert_double_eq_tol(mean.low, 3.0 - 1.96293, 1e-4);
    ck_assert_double_eq_tol(mean.high, 3.0 + 1.96293, 1e-4);
    struct steady_interval median = batched_histogram_quantile(&histogram, 0.5);
    ck_assert_double_eq_tol(median.low, 3.0 - 1.96293, 6e-3);
    ck_assert_double_eq_tol(median.high, 3.0 + 1.96293, 6e-3);
    arena_destroy(arena);
}
END_TEST

START_TEST(batches_are_put_together)
{
    /* 256 x 20 values fill all batches: ten of 512 are left, and nothing is lost. */
    struct arena *arena = arena_create();
    struct batched_histogram histogram = batched_histogram_create(arena);
    for (int i = 0; i < 256 * 20; i++) {
        batched_histogram_add(&histogram, 1.0 + i / 256, 1);
    }
    ck_assert_uint_eq(histogram.whole, 10);
    ck_assert_uint_eq(histogram.batch_values, 512);
    for (size_t i = 0; i < 10; i++) {
        /* The batches of 2i + 1 and 2i + 2. */
        ck_assert_uint_eq(histogram.batches[i].count, 512);
        ck_assert_double_eq(histogram.batches[i].sum, 256.0 * (double)(4 * i + 3));
    }
    ck_assert_uint_eq(histogram.batches[10].count, 0);
    arena_destroy(arena);
}
END_TEST

enum { RUNS = 300, VALUES = 20000 };

START_TEST(intervals_cover_the_truth)
{
    /* Values that remember: x = 0.9 x + noise of variance 0.19 is standard normal in the steady
     * state, its 90th percentile 1.28155; exp() of it makes it positive. */
    struct random_stream stream = random_open(7, "coverage");
    int covered = 0;
    for (int run = 0; run < RUNS; run++) {
        struct arena *arena = arena_create();
        struct batched_histogram histogram = batched_histogram_create(arena);
        double x = random_normal(&stream);
        for (int i = 0; i < VALUES; i++) {
            batched_histogram_add(&histogram, exp(x), 1);
            x = 0.9 * x + sqrt(0.19) * random_normal(&stream);
        }
        struct steady_interval interval = batched_histogram_quantile(&histogram, 0.9);
        covered += interval.low <= exp(1.28155) && exp(1.28155) <= interval.high;
        arena_destroy(arena);
    }
    printf("coverage of 95 %% intervals: %.1f %%\n", 100.0 * covered / RUNS);
    ck_assert_int_ge(covered, (int)(0.91 * RUNS));
    ck_assert_int_le(covered, (int)(0.99 * RUNS));
}
END_TEST

RUN_TESTS(histogram, quantiles_to_a_thousandth, half_a_bin, nothing_beyond_the_values,
          an_interval_by_hand, batches_are_put_together, intervals_cover_the_truth)
