/* SPDX-License-Identifier: MIT
 * How many are somewhere over time, without keeping the stays. Cells that lost what they had when
 * they double, or counted a stay from its cell's beginning on, would fail. */
#include "models/numeric/random.h"
#include "sim/serving/result/levels.h"

#include "run_tests.h"

#include <math.h>

/* One stays from 0.5 to 4 s, one from 2 to 10.25 s: over 0 to 1 s 0.5 on average; over 2 to 4 s 2;
 * over 4 to 12 s 6.25 / 8. Cells end at all of these times, so nothing is taken to be even. */
START_TEST(by_hand)
{
    struct arena *arena = arena_create();
    struct levels levels = levels_open(arena);
    levels_add(&levels, 0.5, 4.0);
    levels_add(&levels, 2.0, 10.25);
    ck_assert_double_eq_tol(levels_mean(&levels, 0.0, 1.0), 0.5, 1e-12);
    ck_assert_double_eq_tol(levels_mean(&levels, 2.0, 4.0), 2.0, 1e-12);
    ck_assert_double_eq_tol(levels_mean(&levels, 4.0, 12.0), 6.25 / 8.0, 1e-12);
    /* Another hour, and cells of 0.25 s or more: 0.5 and 10.25 may lie within one. */
    levels_add(&levels, 3600.0, 3600.0);
    ck_assert_double_eq(levels.cell_seconds, 0.25);
    ck_assert_double_eq_tol(levels_mean(&levels, 0.0, 1.0), 0.5, 1e-9);
    ck_assert_double_eq_tol(levels_mean(&levels, 4.0, 12.0), 6.25 / 8.0, 1e-9);
    ck_assert_double_eq_tol(levels_mean(&levels, 5.0, 5.125), 1.0, 1e-9); /* half a cell */
    ck_assert_double_eq_tol(levels_mean(&levels, 4000.0, 4001.0), 0.0, 1e-9);
    arena_destroy(arena);
}
END_TEST

enum { STAYS = 20000 };

/* Stays of a second among arrivals of 10 a second, against each stay's own part. */
START_TEST(as_added_up)
{
    static double begins[STAYS], ends[STAYS];
    struct arena *arena = arena_create();
    struct levels levels = levels_open(arena);
    struct random_stream random = random_open(3, "levels");
    double now = 0.0;
    for (int i = 0; i < STAYS; i++) {
        now += random_exponential(&random, 0.1);
        begins[i] = now;
        ends[i] = now + random_exponential(&random, 1.0);
        levels_add(&levels, begins[i], ends[i]);
    }
    for (int part = 0; part < 10; part++) {
        double from = now * part / 10.0, to = now * (part + 1) / 10.0, sum = 0.0;
        for (int i = 0; i < STAYS; i++) {
            sum += fmax(0.0, fmin(ends[i], to) - fmax(begins[i], from));
        }
        ck_assert_double_eq_tol(levels_mean(&levels, from, to), sum / (to - from), 2e-3);
    }
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(levels, by_hand, as_added_up)
