/* SPDX-License-Identifier: MIT
 * Two groups of tokens woven into each other, worked by hand. Catches a stage that waits for its
 * own exchange, an edge that is hidden, and SMs that cost nothing. */
#include "models/passes/token_weave.h"
#include "run_tests.h"

static const struct weave_loss tenth = {.kernels_share = 0.1, .exchange_factor = 1.0};

/* Two stages; kernels 10 and 6, exchanges 3 and 2, a tenth of the kernels' rate. Alone: the first
 * group's first 5 and the second's last 1. Between: 5 beside the other's 1 (5 + 0.1), then twice 3
 * beside 1.5 (3 + 0.15): 5 + 1 + 5.1 + 6.3. */
START_TEST(kernels_decide)
{
    static const struct weave_group groups[2] = {{10.0, 3.0}, {6.0, 2.0}};
    ck_assert_double_eq_tol(token_weave_seconds(groups, 2.0, tenth), 17.4, 1e-12);
}
END_TEST

/* One stage: kernels 1, then the other's 1 beside 10 of the first's exchange, then 8 alone. */
START_TEST(exchanges_decide)
{
    static const struct weave_group groups[2] = {{1.0, 10.0}, {1.0, 8.0}};
    ck_assert_double_eq_tol(token_weave_seconds(groups, 1.0, tenth), 19.0, 1e-12);
}
END_TEST

/* Over many stages nothing is left of the edges: 10 + 0.2 and 6 + 0.3. */
START_TEST(edges_vanish)
{
    static const struct weave_group groups[2] = {{10.0, 3.0}, {6.0, 2.0}};
    ck_assert_double_eq_tol(token_weave_seconds(groups, 1e9, tenth), 16.5, 1e-6);
}
END_TEST

/* An exchange twice as long beside kernels, which lose a quarter: 10 + 2 x 2 / 4 and 6 + 2 x 3 / 4;
 * where the first group's is 30, 60 decide. */
START_TEST(both_lose)
{
    static const struct weave_loss loss = {.kernels_share = 0.25, .exchange_factor = 2.0};
    struct weave_group groups[2] = {{10.0, 3.0}, {6.0, 2.0}};
    ck_assert_double_eq_tol(token_weave_seconds(groups, 1e9, loss), 18.5, 1e-6);
    groups[0].exchange_seconds = 30.0;
    ck_assert_double_eq_tol(token_weave_seconds(groups, 1e9, loss), 71.0, 1e-6);
}
END_TEST

RUN_TESTS(token_weave, kernels_decide, exchanges_decide, edges_vanish, both_lose)
