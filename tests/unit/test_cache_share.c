/* SPDX-License-Identifier: MIT
 * What ranks of one layout send to ranks of another of a KV cache. Catches heads, layers or copies
 * that are counted twice, or sent by all that hold them. */
#include "models/layout/cache_share.h"
#include "run_tests.h"

static double sent(const struct layout *from, uint32_t from_parts, uint32_t from_rank,
                   const struct layout *to, uint32_t to_parts, uint32_t to_rank)
{
    const struct llm llm = {.stack = {.layers = 4}};
    const struct replica source = {.llm = &llm, .layout = from};
    const struct replica target = {.llm = &llm, .layout = to};
    struct cache_share had = cache_share_of(&source, from_parts, from_rank);
    struct cache_share wanted = cache_share_of(&target, to_parts, to_rank);
    return cache_share_sent(&had, &wanted);
}

/* Eight KV heads over four ranks, to two stages of two: a rank there has four heads of half of the
 * layers; each of the two that have those heads sends half of that, an eighth of the cache. Rank 3
 * there is heads 4 to 7 of the last two layers. */
START_TEST(heads_and_layers)
{
    const struct layout four = {.tensor = 4, .context = 1, .pipeline = 1, .data = 1};
    const struct layout stages = {.tensor = 2, .context = 1, .pipeline = 2, .data = 1};
    double sum = 0.0;
    for (uint32_t rank = 0; rank < 4; rank++) {
        double share = sent(&four, 4, rank, &stages, 2, 3);
        ck_assert_double_eq_tol(share, rank < 2 ? 0.0 : 0.125, 1e-15);
        for (uint32_t other = 0; other < 4; other++) {
            sum += sent(&four, 4, rank, &stages, 2, other);
        }
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-15);
}
END_TEST

/* A latent is whole on all four ranks: one that decodes alone gets it of the first; two that share
 * it again get it of the first and the third; of two ranks four get it of the first twice, then of
 * the second. Two KV heads over four ranks: each twice, and a rank with both of
 * them gets a half of either. */
START_TEST(copies_send_once)
{
    const struct layout one = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    const struct layout two = {.tensor = 2, .context = 1, .pipeline = 1, .data = 1};
    const struct layout four = {.tensor = 4, .context = 1, .pipeline = 1, .data = 1};
    for (uint32_t rank = 0; rank < 4; rank++) {
        ck_assert_double_eq_tol(sent(&four, 1, rank, &one, 1, 0), rank == 0 ? 1.0 : 0.0, 1e-15);
        ck_assert_double_eq_tol(sent(&four, 1, rank, &two, 1, 1), rank == 2 ? 1.0 : 0.0, 1e-15);
        ck_assert_double_eq_tol(sent(&two, 1, 0, &four, 1, rank), rank < 2 ? 1.0 : 0.0, 1e-15);
        ck_assert_double_eq_tol(sent(&four, 2, rank, &one, 1, 0), rank % 2 == 0 ? 0.5 : 0.0, 1e-15);
        ck_assert_double_eq_tol(sent(&one, 1, 0, &four, 1, rank), 1.0, 1e-15);
    }
}
END_TEST

/* Three context ranks to two: the first two thirds, and what is left of the second. */
START_TEST(tokens)
{
    const struct layout three = {.tensor = 1, .context = 3, .pipeline = 1, .data = 1};
    const struct layout two = {.tensor = 1, .context = 2, .pipeline = 1, .data = 1};
    ck_assert_double_eq_tol(sent(&three, 1, 0, &two, 1, 0), 1.0 / 3.0, 1e-15);
    ck_assert_double_eq_tol(sent(&three, 1, 1, &two, 1, 0), 1.0 / 6.0, 1e-15);
    ck_assert_double_eq_tol(sent(&three, 1, 2, &two, 1, 0), 0.0, 1e-15);
}
END_TEST

RUN_TESTS(cache_share, heads_and_layers, copies_send_once, tokens)
