/* SPDX-License-Identifier: MIT
 * The search for a capacity and the Pareto front, on answers known beforehand. */
#include "run_tests.h"
#include "sim/plan/capacity.h"
#include "sim/plan/front.h"
#include "sim/plan/plan.h"

/* Searches for a capacity that is `truth`; `runs` counts the questions. */
static struct capacity_search search_for(double truth, double start, double tolerance,
                                         unsigned *runs)
{
    struct capacity_search search = capacity_begin(start, tolerance, 64.0);
    for (*runs = 0; !search.done && *runs < 100; ++*runs) {
        capacity_tell(&search, search.next <= truth);
    }
    ck_assert(search.done);
    return search;
}

START_TEST(a_capacity_is_found_within_its_tolerance)
{
    static const double truths[] = {0.2, 1.0, 3.3, 7.0, 8.0, 40.0, 500.0};
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        unsigned runs = 0;
        struct capacity_search search = search_for(truths[i], 8.0, 0.05, &runs);
        ck_assert_double_le(search.low, truths[i]);
        ck_assert_double_gt(1.05 * search.low * (1.0 + 1e-12), truths[i]);
        /* log2(64) steps to a bracket of 2, log2(ln 2 / ln 1.05) = 3.8 to halve it */
        ck_assert_uint_le(runs, 6 + 4 + 1);
    }
}
END_TEST

START_TEST(a_capacity_out_of_reach_ends_too)
{
    unsigned runs = 0;
    ck_assert_double_eq(search_for(1e-9, 8.0, 0.05, &runs).low, 0.0);
    ck_assert_uint_eq(runs, 7); /* 8, 4, ... 8/64 */
    ck_assert_double_eq(search_for(1e9, 8.0, 0.05, &runs).low, 512.0);
    ck_assert_uint_eq(runs, 7);
}
END_TEST

START_TEST(the_front_is_what_nothing_beats)
{
    /* (1,5) (2,3) (4,1) are on it; (2,4) (3,3) are beaten by (2,3), (4,1) again is the same. */
    struct front_point points[] = {{4, 1, 0}, {2, 4, 1}, {1, 5, 2},
                                   {3, 3, 3}, {2, 3, 4}, {4, 1, 5}};
    ck_assert_uint_eq(front_find(points, sizeof points / sizeof *points), 3);
    ck_assert_uint_eq(points[0].index, 2);
    ck_assert_uint_eq(points[1].index, 4);
    ck_assert_uint_eq(points[2].index, 0);
}
END_TEST

START_TEST(the_winner_is_the_cheapest_then_the_largest_then_the_first)
{
    struct candidate candidates[] = {
        {.state = CANDIDATE_GOOD, .gpus = 8, .searched = 90, .search = {.start = 50}},
        {.state = CANDIDATE_SHORT, .gpus = 1, .searched = 5},
        {.state = CANDIDATE_GOOD, .gpus = 4, .searched = 20, .search = {.start = 50}},
        {.state = CANDIDATE_GOOD, .gpus = 4, .searched = 30, .search = {.start = 50}},
        {.state = CANDIDATE_GOOD, .gpus = 4, .searched = 30, .search = {.start = 50}},
    };
    ck_assert_uint_eq(plan_winner(candidates, 5), 3);
    ck_assert_uint_eq(plan_winner(candidates, 2), 0);
    ck_assert_uint_eq(plan_winner(candidates + 1, 1), SIZE_MAX);
    candidates[0].dollars_per_hour = 3; /* dearer GPUs lose to a price below their number */
    ck_assert_uint_eq(plan_winner(candidates, 5), 0);
}
END_TEST

START_TEST(what_differs_little_is_one)
{
    /* -100 and -99.5 differ by 0.5 %, 5 and 4.95 by 1 %; -99 and 4.9 are then 1 and 2 % from the
     * first, which is kept; 4.5 is 10 % from it, though as cheap. */
    struct front_point points[] = {
        {-100, 5, 0}, {-99.5, 4.95, 1}, {-99, 4.9, 2}, {-98.5, 4.5, 3}, {-50, 4.45, 4}};
    ck_assert_uint_eq(front_thin(points, 5, 0.02), 3);
    ck_assert_uint_eq(points[0].index, 0);
    ck_assert_uint_eq(points[1].index, 3);
    ck_assert_uint_eq(points[2].index, 4);
    ck_assert_uint_eq(front_thin(points, 0, 0.02), 0);
}
END_TEST

RUN_TESTS(plan, a_capacity_is_found_within_its_tolerance, a_capacity_out_of_reach_ends_too,
          the_front_is_what_nothing_beats, what_differs_little_is_one,
          the_winner_is_the_cheapest_then_the_largest_then_the_first)
