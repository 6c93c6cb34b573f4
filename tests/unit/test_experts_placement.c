/* SPDX-License-Identifier: MIT
 * Copies of experts and where they go, groups that tokens keep to, copies near by: worked by hand.
 */
#include "models/kernels/experts.h"
#include "models/kernels/experts_grouping.h"
#include "models/kernels/experts_placement.h"
#include "run_tests.h"

#include <math.h>

static double sum(const double *loads, uint32_t count)
{
    double all = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        all += loads[i];
    }
    return all;
}

/* Loads 90, 40, 30, 20, 10, 10 and two copies more: 90 becomes 45 + 45, then the heaviest by share
 * is 45 again: three of 30. Eight copies over four ranks of two, the heaviest first to the
 * lightest: 40 | 30 | 30 | 30, then 30 goes to a 30 (the first of them: rank 1), then 20 to rank 2,
 * 10 to rank 3 and the last 10 to rank 0: 50, 60, 50, 40. Rank 1 has 30 and 30. */
START_TEST(the_heaviest_is_copied)
{
    static const double loads[] = {90.0, 40.0, 30.0, 20.0, 10.0, 10.0};
    uint16_t copies[6];
    double fullest[EXPERTS_MOST];
    const struct experts_to_place question = {
        .loads = loads, .count = 6, .redundant = 2, .ranks = 4, .nodes = 1};
    experts_copies(loads, 6, 2, copies);
    ck_assert_uint_eq(copies[0], 3);
    ck_assert_uint_eq(copies[1], 1);
    ck_assert_uint_eq(experts_place(&question, fullest), 2);
    ck_assert_double_eq_tol(fullest[0], 30.0, 1e-12);
    ck_assert_double_eq_tol(fullest[1], 30.0, 1e-12);
}
END_TEST

/* Four groups of two: 8+4, 6+2, 5+1, 3+3. Into two nodes, the heaviest first to the lightest node:
 * 12 | 8, then 6 to the second, and the last 6 to the first, which has room. Its 8, 4, 3, 3 over
 * two ranks of two: 8 | 4, then 3 to the second, 3 to the first: 11. Over all four ranks at once:
 * 8 | 6 | 5 | 4, then 3, 3, 2, 1 to the lightest that has room: 9, 8, 8, 7. */
START_TEST(groups_stay_in_a_node)
{
    static const double loads[] = {8.0, 4.0, 6.0, 2.0, 5.0, 1.0, 3.0, 3.0};
    struct experts_to_place question = {
        .loads = loads, .count = 8, .ranks = 4, .nodes = 2, .groups = 4};
    double fullest[EXPERTS_MOST];
    ck_assert_uint_eq(experts_place(&question, fullest), 2);
    ck_assert_double_eq_tol(fullest[0], 8.0, 1e-12);
    ck_assert_double_eq_tol(fullest[1], 3.0, 1e-12);
    question.nodes = 1;
    ck_assert_uint_eq(experts_place(&question, fullest), 2);
    ck_assert_double_eq_tol(sum(fullest, 2), 9.0, 1e-12);
}
END_TEST

/* Four experts in two groups, a token of two experts of one group: of two nodes it meets one; of
 * four ranks two. Without groups two of four experts: a node of two is missed with 2/4 x 1/3 = 1/6,
 * so 2 x 5/6 nodes. */
START_TEST(tokens_keep_to_groups)
{
    struct experts grouped = {.count = 4, .per_token = 2, .groups = 2, .groups_per_token = 1};
    struct experts free = {.count = 4, .per_token = 2};
    ck_assert_double_eq_tol(experts_destinations(grouped, 2.0), 1.0, 1e-12);
    ck_assert_double_eq_tol(experts_destinations(grouped, 4.0), 2.0, 1e-12);
    ck_assert_double_eq_tol(experts_destinations(free, 2.0), 2.0 * 5.0 / 6.0, 1e-12);
}
END_TEST

/* DeepSeek-V3: 8 of 256 experts, of 4 of 8 groups. Over eight nodes a group each: four nodes at
 * most, each missed with C(96, 8) / C(128, 8) = 0.0929 (by its eight factors). Over four nodes, two
 * groups each: all four are not met by chance either. */
START_TEST(deepseek_goes_to_four_nodes)
{
    struct experts experts = {.count = 256, .per_token = 8, .groups = 8, .groups_per_token = 4};
    struct experts free = {.count = 256, .per_token = 8};
    double missed = 1.0;
    for (int i = 0; i < 8; i++) {
        missed *= (96.0 - i) / (128.0 - i);
    }
    ck_assert_double_eq_tol(experts_destinations(experts, 8.0), 4.0 * (1.0 - missed), 1e-12);
    ck_assert_double_lt(experts_destinations(experts, 4.0), experts_destinations(free, 4.0));
    ck_assert_double_gt(experts_destinations(experts, 4.0), 2.0);
}
END_TEST

/* Four experts of a half, a quarter and two eighths of the rows, placed on two ranks: the fullest
 * has the first and an eighth. Of 16 tokens to one expert each it gets 8 and 2 rows, and of 4
 * tokens 2 and a half: 1.5 experts touched; blocks of four rows are two and one. */
START_TEST(placed_loads)
{
    double shares[] = {0.5, 0.125};
    const struct expert_loads loads = {.shares = shares, .count = 2};
    const struct routing routing = {.kind = ROUTING_MEASURED, .ranks = 2, .loads = &loads};
    const struct experts experts = {.count = 4, .per_token = 1};
    ck_assert_double_eq_tol(experts_rows(experts, routing, 16.0), 10.0, 1e-12);
    ck_assert_double_eq_tol(experts_fullest(experts, routing, 16.0), 8.0, 1e-12);
    ck_assert_double_eq_tol(experts_touched(experts, routing, 4.0), 1.5, 1e-12);
    ck_assert_double_eq_tol(experts_blocks(experts, routing, 16.0, 4.0), 3.0, 1e-12);
}
END_TEST

/* Even loads: four experts and four copies over eight ranks, one each, half the rows of an expert;
 * a rank holds as many as before over four. Two nodes: every expert has a copy in both, so that
 * nothing leaves a node; with two copies half of the experts do: rows that leave are 1/2 x 1/2 of
 * all where they were 1/2, so half as many; tokens of two rows: the other node is met with
 * 1 - (3/4)^2 = 7/16 in place of 3/4. */
START_TEST(copies)
{
    const struct experts experts = {.count = 4, .per_token = 2};
    struct routing routing = {.ranks = 8, .nodes = 2, .redundant = 4, .nearest = true};
    ck_assert_double_eq_tol(experts_held(experts, routing), 1.0, 1e-12);
    ck_assert_double_eq_tol(experts_fullest(experts, routing, 100.0), 100.0 * 2.0 / 8.0, 1e-12);
    ck_assert_double_eq_tol(experts_remote(experts, routing, true), 0.0, 1e-12);
    routing.redundant = 2;
    ck_assert_double_eq_tol(experts_remote(experts, routing, true), 0.5, 1e-12);
    ck_assert_double_eq_tol(experts_remote(experts, routing, false), (7.0 / 16.0) / 0.75, 1e-12);
    routing.nearest = false;
    ck_assert_double_eq_tol(experts_remote(experts, routing, true), 1.0, 1e-12);
}
END_TEST

/* Eight experts, of which tokens choose even ones together, or odd ones: 0 with 2, 4, 6; 1 with 3,
 * 5, 7, and of the even ones 0 with 4 and 2 with 6 most. 0 is asked most: the first node is the
 * even ones, its first rank 0 and 4. */
START_TEST(together_on_a_node)
{
    double together[8][8] = {{0.0}};
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            together[i][j] = i % 2 == j % 2 ? 10.0 : 0.0;
        }
    }
    together[0][0] = 20.0;
    together[0][4] = together[4][0] = together[2][6] = together[6][2] = 15.0;
    static const double loads[] = {20.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0};
    struct placed_experts placed;
    struct experts_to_place question = {.loads = loads, .count = 8, .ranks = 4, .nodes = 2};
    experts_place_together(&question, &together[0][0], &placed);
    ck_assert_uint_eq(placed.count, 8);
    uint16_t rank_of[8];
    for (uint32_t i = 0; i < 8; i++) {
        rank_of[placed.experts[i]] = placed.ranks[i];
    }
    ck_assert_uint_eq(rank_of[0], 0);
    ck_assert_uint_eq(rank_of[4], 0);
    ck_assert_uint_eq(rank_of[2], 1);
    ck_assert_uint_eq(rank_of[6], 1);
    for (uint32_t i = 1; i < 8; i += 2) {
        ck_assert_uint_ge(rank_of[i], 2);
    }
    /* Four copies: of 0 first, on the other node's rank with the least load: both have 20, the
     * first. Whoever comes next, every rank has three in the end. */
    question.redundant = 4;
    experts_place_together(&question, &together[0][0], &placed);
    ck_assert_uint_eq(placed.count, 12);
    ck_assert_uint_eq(placed.experts[8], 0);
    ck_assert_uint_eq(placed.ranks[8], 2);
    uint32_t held[4] = {0};
    for (uint32_t i = 0; i < 12; i++) {
        held[placed.ranks[i]]++;
    }
    for (uint32_t r = 0; r < 4; r++) {
        ck_assert_uint_eq(held[r], 3);
    }
}
END_TEST

/* Tokens that were seen to meet 2 ranks, 0.5 other nodes with 0.25 of their rows: over two nodes an
 * exchange takes half of its nodes for others: 1; and keeps back so many rows that a quarter goes.
 */
START_TEST(seen_tokens_reach)
{
    struct expert_loads loads = {.ranks_met = 2.0, .nodes_away = 0.5, .rows_away = 0.25};
    struct experts experts = {.count = 8, .per_token = 4};
    struct routing routing = {.ranks = 4, .nodes = 2, .loads = &loads};
    struct experts_reach reach = experts_reach(experts, routing, 4.0, 2.0, false);
    ck_assert_double_eq(reach.ranks, 2.0);
    ck_assert_double_eq(reach.nodes, 1.0);
    ck_assert_double_eq(reach.kept_near, 0.0);
    ck_assert_double_eq(experts_reach(experts, routing, 4.0, 2.0, true).kept_near, 0.5);
    loads.ranks_met = 0.0;
    reach = experts_reach(experts, routing, 4.0, 2.0, false);
    ck_assert_double_eq(reach.ranks, experts_destinations(experts, 4.0));
}
END_TEST

RUN_TESTS(experts_placement, together_on_a_node, seen_tokens_reach, the_heaviest_is_copied,
          groups_stay_in_a_node, tokens_keep_to_groups, deepseek_goes_to_four_nodes, placed_loads,
          copies)
