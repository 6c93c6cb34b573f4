/* SPDX-License-Identifier: MIT
 * The slowest of many GPUs, against what is known in closed form, a run of drifting ranks drawn one
 * by one, and four measured GPUs. A median run has no jitter, so nothing else would see it. */
#include "models/machine/jitter.h"
#include "models/numeric/order_statistics.h"
#include "models/numeric/random.h"

#include "platform_files.h"
#include "run_tests.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* E max of n standard normals: 0, 1/sqrt(pi), 3/(2 sqrt(pi)); its variance 1, 1 - 1/pi,
 * 1 + sqrt(3)/(2 pi) - 9/(4 pi) (H. A. David, Order Statistics, section 3.2). Of 100: 2.50759. */
START_TEST(the_largest_of_n)
{
    const double pi = acos(-1.0);
    const struct {
        double count, mean, variance;
    } known[] = {{1.0, 0.0, 1.0},
                 {2.0, 1.0 / sqrt(pi), 1.0 - 1.0 / pi},
                 {3.0, 1.5 / sqrt(pi), 1.0 + sqrt(3.0) / (2.0 * pi) - 9.0 / (4.0 * pi)}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct maximum largest = normal_maximum(known[i].count);
        ck_assert_double_eq_tol(largest.mean, known[i].mean, 1e-9);
        ck_assert_double_eq_tol(largest.variance, known[i].variance, 1e-9);
    }
    ck_assert_double_eq_tol(normal_maximum(100.0).mean, 2.50759, 1e-5);
}
END_TEST

/* One rank a group, no drift: 1 % times the largest of 100. A drift of 2 % that lasts 1 s, over a
 * step of 10 s: of its variance 2 (10 - 1 + e^-10) / 100 = 0.18 is left; without a power limit,
 * none. Two ranks of a group, for ever: their larger one, sqrt(1 + 4) % / sqrt(pi). */
START_TEST(by_hand)
{
    const struct jitter jitter = {.spread = 0.01, .drift = 0.02, .drift_seconds = 1.0};
    struct jitter_ranks ranks = {.group = 1.0, .groups = 100.0, .seconds = 10.0};
    double of_hundred = normal_maximum(100.0).mean;
    ck_assert_double_eq_tol(jitter_slowdown(&jitter, &ranks), 0.01 * of_hundred, 1e-12);
    ranks.limited = true;
    ck_assert_double_eq_tol(jitter_slowdown(&jitter, &ranks),
                            sqrt(1e-4 + 4e-4 * 0.18 * (9.0 + exp(-10.0)) / 9.0) * of_hundred,
                            1e-12);
    ranks.group = 2.0;
    ranks.groups = 1.0;
    ck_assert_double_eq_tol(jitter_slowdown(&jitter, &ranks), sqrt(5e-4 / acos(-1.0)), 1e-9);
    const struct jitter none = {0};
    ck_assert_double_eq(jitter_slowdown(&none, &ranks), 0.0);
}
END_TEST

enum { GROUP = 8, GROUPS = 64, TICKS = 100, RUNS = 10 };

/* Ranks drawn one by one: each has a lasting part and a drift that forgets (an Ornstein-Uhlenbeck
 * process at ticks of 1/8 of its time); a group goes at its slowest's pace, tick by tick, and the
 * slowest group counts. */
static double drawn(const struct jitter *jitter, struct random_stream *stream)
{
    double slowest = 0.0, kept = exp(-0.125);
    for (int group = 0; group < GROUPS; group++) {
        double lasting[GROUP], drift[GROUP], sum = 0.0;
        for (int i = 0; i < GROUP; i++) {
            lasting[i] = jitter->spread * random_normal(stream);
            drift[i] = jitter->drift * random_normal(stream);
        }
        for (int tick = 0; tick < TICKS; tick++) {
            double most = -1.0;
            for (int i = 0; i < GROUP; i++) {
                most = fmax(most, lasting[i] + drift[i]);
                drift[i] = kept * drift[i] +
                           jitter->drift * sqrt(1.0 - kept * kept) * random_normal(stream);
            }
            sum += most / TICKS;
        }
        slowest = fmax(slowest, sum);
    }
    return slowest;
}

START_TEST(as_drawn_rank_by_rank)
{
    const struct jitter jitter = {.spread = 0.0056, .drift = 0.0147, .drift_seconds = 0.045};
    const struct jitter_ranks ranks = {
        .group = GROUP, .groups = GROUPS, .seconds = TICKS * 0.125 * 0.045, .limited = true};
    struct random_stream stream = random_open(19, "jitter");
    double mean = 0.0;
    for (int run = 0; run < RUNS; run++) {
        mean += drawn(&jitter, &stream) / RUNS;
    }
    double closed = jitter_slowdown(&jitter, &ranks);
    ck_assert_msg(fabs(closed / mean - 1.0) < 0.05, "%.5f, drawn %.5f", closed, mean);
}
END_TEST

/* tests/validation/jitter.csv: what the slowest of four loses against the four's mean, in percent
 * of a step; the constants are single GPUs', so this is a prediction. */
START_TEST(four_measured_gpus)
{
    struct gpu gpu;
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    FILE *file = fopen(CPSIM_SOURCE_DIR "/tests/validation/jitter.csv", "r");
    ck_assert_ptr_nonnull(file);
    char line[300], work[64];
    int rows = 0, limited;
    double us[4], slowest;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%63[^,],%d,%lf,%lf,%lf,%lf,%lf", work, &limited, &us[0], &us[1], &us[2],
                   &us[3], &slowest) != 7) {
            continue;
        }
        double measured = 100.0 * (4.0 * slowest / (us[0] + us[1] + us[2] + us[3]) - 1.0);
        const struct jitter_ranks ranks = {
            .group = 4.0, .groups = 1.0, .seconds = 5.0, .limited = limited != 0};
        double predicted = 100.0 * jitter_slowdown(&gpu.jitter, &ranks);
        printf("%-40s measured %.2f %%, predicted %.2f %%\n", work, measured, predicted);
        ck_assert_msg(fabs(predicted - measured) < 0.5, "%s: %.2f for %.2f", work, predicted,
                      measured);
        rows++;
    }
    fclose(file);
    arena_destroy(arena);
    ck_assert_int_eq(rows, 5);
}
END_TEST

RUN_TESTS(jitter, the_largest_of_n, by_hand, as_drawn_rank_by_rank, four_measured_gpus)
