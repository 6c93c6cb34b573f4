/* SPDX-License-Identifier: MIT
 * The minimiser on functions whose minimum is known, with the traits that real fits have: a narrow
 * bent valley, a kink at the minimum, a wall. */
#include "models/numeric/simplex.h"

#include "run_tests.h"

#include <math.h>

static double valley(const double *x, void *context) /* Rosenbrock's: 0 at (1, 1) */
{
    ++*(size_t *)context;
    double a = 1.0 - x[0], b = x[1] - x[0] * x[0];
    return a * a + 100.0 * b * b;
}

START_TEST(finds_the_end_of_a_bent_valley)
{
    size_t calls = 0;
    struct simplex simplex = {.dimensions = 2,
                              .value = valley,
                              .context = &calls,
                              .step = 0.5,
                              .evaluations = 500,
                              .tolerance = 1e-14};
    double x[] = {-1.2, 1.0};
    ck_assert_double_lt(simplex_minimise(&simplex, x), 1e-10);
    ck_assert_double_eq_tol(x[0], 1.0, 1e-4);
    ck_assert_double_eq_tol(x[1], 1.0, 1e-4);
    ck_assert_uint_le(calls, 510); /* a last move may shrink: 2 dimensions, 4 calls more */
}
END_TEST

static double kink(const double *x, void *context) /* 0 at (3, -2, 0.5, 1), no slope there */
{
    (void)context;
    return fabs(x[0] - 3.0) + fabs(x[1] + 2.0) + fabs(x[2] - 0.5) + fabs(x[3] - 1.0);
}

START_TEST(settles_in_a_kink)
{
    struct simplex simplex = {
        .dimensions = 4, .value = kink, .step = 1.0, .evaluations = 2000, .tolerance = 1e-10};
    double x[] = {0.0, 0.0, 0.0, 0.0};
    ck_assert_double_lt(simplex_minimise(&simplex, x), 0.05);
}
END_TEST

static double wall(const double *x, void *context) /* least at 2, forbidden above */
{
    (void)context;
    return x[0] > 2.0 ? HUGE_VAL : 2.0 - x[0];
}

START_TEST(stays_before_a_wall_and_never_gets_worse)
{
    struct simplex simplex = {
        .dimensions = 1, .value = wall, .step = 0.3, .evaluations = 200, .tolerance = 1e-9};
    double x[] = {0.0};
    ck_assert_double_le(simplex_minimise(&simplex, x), 1e-3);
    double best[] = {2.0};
    ck_assert_double_eq(simplex_minimise(&simplex, best), 0.0);
    ck_assert_double_eq(best[0], 2.0);
}
END_TEST

RUN_TESTS(simplex, finds_the_end_of_a_bent_valley, settles_in_a_kink,
          stays_before_a_wall_and_never_gets_worse)
