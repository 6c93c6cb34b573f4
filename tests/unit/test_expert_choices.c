/* SPDX-License-Identifier: MIT
 * Tokens walked through placed experts, by hand. Catches a copy that is not the nearest, a node
 * that counts as another, and a fullest rank that is not. */
#include "run_tests.h"
#include "sim/scenario/expert_choices.h"

#include <string.h>

/* Four tokens of one layer that all choose 0 and 4 of eight experts. */
static const char text[] = "layer,experts\n0,0 4\n0,4 0\n0,0 4\n0,0 4\n";
static const struct experts experts = {.count = 8, .per_token = 2};

static struct expert_loads placed(struct routing routing, double shares[64])
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct csv *csv = csv_parse(arena, "choices.csv", text, strlen(text), diagnostics);
    ck_assert(expert_choices_are(csv));
    struct expert_loads mean = {.shares = shares};
    memset(shares, 0, 64 * sizeof *shares);
    routing.ranks = 4;
    routing.nodes = 2;
    ck_assert(expert_choices_place(csv, experts, &routing, &mean, diagnostics));
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 0);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return mean;
}

/* Dealt, 0 is on rank 0 and 4 on rank 2, of the other node: every token meets both, and one of its
 * two rows leaves its node wherever it comes from. */
START_TEST(dealt)
{
    double shares[64];
    struct expert_loads loads = placed((struct routing){.placement = PLACEMENT_DEALT}, shares);
    ck_assert_double_eq(loads.ranks_met, 2.0);
    ck_assert_double_eq(loads.nodes_away, 1.0);
    ck_assert_double_eq(loads.rows_away, 0.5);
    ck_assert_double_eq(shares[0], 0.5);
    ck_assert_double_eq(shares[1], 0.0);
}
END_TEST

/* Together on rank 0: tokens of ranks 0 and 1 stay in their node, and rank 0 does everything. */
START_TEST(together)
{
    double shares[64];
    struct expert_loads loads = placed((struct routing){.placement = PLACEMENT_TOGETHER}, shares);
    ck_assert_double_eq(loads.ranks_met, 1.0);
    ck_assert_double_eq(loads.nodes_away, 0.5);
    ck_assert_double_eq(loads.rows_away, 0.5);
    ck_assert_double_eq(shares[0] + shares[1], 1.0);
}
END_TEST

/* A copy more for every rank: 0 to rank 2, on the other node; then 4, the heavier now, to rank 3,
 * which has less to do; 0 again to rank 1, and 4, for which nobody else has room, to rank 0. The
 * token of rank 0 finds both there, the others one at home and one in the node: 7 ranks of four
 * tokens. Rank 0 gets both rows of the first and 4 of the second: 2 and 1 of 8. */
START_TEST(copies_near)
{
    double shares[64];
    struct expert_loads loads =
        placed((struct routing){.placement = PLACEMENT_TOGETHER, .redundant = 4}, shares);
    ck_assert_double_eq(loads.ranks_met, 7.0 / 4.0);
    ck_assert_double_eq(loads.nodes_away, 0.0);
    ck_assert_double_eq(loads.rows_away, 0.0);
    ck_assert_uint_eq(loads.count, 3);
    ck_assert_double_eq(shares[0], 2.0 / 8.0);
    ck_assert_double_eq(shares[1], 1.0 / 8.0);
    ck_assert_double_eq(shares[2], 0.0);
}
END_TEST

RUN_TESTS(expert_choices, dealt, together, copies_near)
