/* SPDX-License-Identifier: MIT
 * A ramp of arrivals: the rate of each request by hand, their sum in the limit of many. */
#include "sim/serving/load/arrivals.h"

#include "run_tests.h"

#include <math.h>

static struct arrival_state start(const struct arrivals *arrivals)
{
    return (struct arrival_state){.arrivals = arrivals, .random = random_open(7, "arrivals")};
}

/* As sim/serving/load/source.c asks. */
static double take(struct arrival_state *state)
{
    state->clock_seconds = arrivals_ramp.next(state);
    state->count++;
    return state->clock_seconds;
}

/* Rates 2, 3, 4 and 4 from then on: 1/2, then 1/3, 1/4, 1/4 later. */
START_TEST(grows_by_the_same_sum)
{
    const struct arrivals arrivals = {.rate = 2.0, .last_rate = 4.0, .steps = 3};
    struct arrival_state state = start(&arrivals);
    const double seconds[] = {0.5, 0.5 + 1.0 / 3.0, 0.75 + 1.0 / 3.0, 1.0 + 1.0 / 3.0};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        ck_assert_double_eq_tol(take(&state), seconds[i], 1e-12);
    }
}
END_TEST

/* Rates 1, 2, 4; falling 4, 2, 1. */
START_TEST(grows_by_the_same_factor)
{
    const struct arrivals up = {.rate = 1.0, .last_rate = 4.0, .steps = 3, .exponential = true};
    const struct arrivals down = {.rate = 4.0, .last_rate = 1.0, .steps = 3, .exponential = true};
    struct arrival_state rising = start(&up), falling = start(&down);
    const double ups[] = {1.0, 1.5, 1.75}, downs[] = {0.25, 0.75, 1.75};
    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        ck_assert_double_eq_tol(take(&rising), ups[i], 1e-12);
        ck_assert_double_eq_tol(take(&falling), downs[i], 1e-12);
    }
}
END_TEST

/* From 10 to 20 a second over N requests: the integral of N dx / (10 + 10 x) is N ln(2) / 10. Its
 * deviation is the root of N / (10 x 20): of 100,000 requests 22 s of 6,931. */
START_TEST(takes_as_long_as_its_integral)
{
    enum { REQUESTS = 100000 };
    const struct arrivals arrivals = {
        .rate = 10.0, .last_rate = 20.0, .steps = REQUESTS, .variation = 1.0};
    struct arrival_state state = start(&arrivals);
    for (int i = 0; i < REQUESTS; i++) {
        take(&state);
    }
    ck_assert_double_eq_tol(state.clock_seconds, REQUESTS * log(2.0) / 10.0, 5.0 * 22.4);
}
END_TEST

RUN_TESTS(arrivals, grows_by_the_same_sum, grows_by_the_same_factor, takes_as_long_as_its_integral)
