/* SPDX-License-Identifier: MIT
 * The ring's arithmetic: a wrong chunk or threshold would shift every simulated hop and flip the
 * choice of variant, while each time still looked plausible. */
#include "models/layout/context_parallel.h"
#include "run_tests.h"

START_TEST(prefill_shards_are_two_chunks)
{
    /* 128000 tokens on 4 ranks: 8 chunks of 16000, two each. */
    ck_assert_uint_eq(context_prefill_tokens(128000, 4), 32000);
    /* 10 tokens on 4 ranks: chunks of ceil(10/8) = 2, padded; two each. */
    ck_assert_uint_eq(context_prefill_tokens(10, 4), 4);
    /* One rank pads nothing. */
    ck_assert_uint_eq(context_prefill_tokens(10, 1), 10);
}
END_TEST

START_TEST(decode_batches_are_padded)
{
    ck_assert_uint_eq(context_decode_tokens(1, 4), 1); /* B=1 on CP4 computes 4 queries */
    ck_assert_uint_eq(context_decode_tokens(4, 4), 1);
    ck_assert_uint_eq(context_decode_tokens(5, 4), 2);
}
END_TEST

/* The pairs of queries and keys over all ranks and iterations must be what one rank alone would
 * compute: T (P + T/2). With T = 16, P = 8, N = 2 (chunks of 4, shards of 8, 4 cached a rank):
 * iteration 0: causal over 8 keys after 4 cached: 8*4 + 64/2 = 64; iteration 1: 8 x (4 + 4) = 64;
 * two ranks: 256 = 16 * (8 + 8). */
START_TEST(ring_covers_the_triangle)
{
    uint64_t queries = context_prefill_tokens(16, 2);
    uint64_t first = context_ring_keys(16, 8, 2, 0), other = context_ring_keys(16, 8, 2, 1);
    ck_assert_uint_eq(first, 12);
    ck_assert_uint_eq(other, 8);
    uint64_t pairs = 2 * (queries * (first - queries) + queries * queries / 2 + queries * other);
    ck_assert_uint_eq(pairs, 256);
}
END_TEST

/* Over any T, P and N that divide evenly. */
START_TEST(ring_covers_the_triangle_always)
{
    for (uint32_t ranks = 2; ranks <= 64; ranks *= 2) {
        for (uint64_t tokens = 2 * (uint64_t)ranks; tokens <= 4096; tokens *= 2) {
            for (uint64_t cached = 0; cached <= 4096; cached += 1024) {
                uint64_t queries = context_prefill_tokens(tokens, ranks), pairs = 0;
                for (uint32_t i = 0; i < ranks; i++) {
                    uint64_t keys = context_ring_keys(tokens, cached, ranks, i);
                    pairs +=
                        i > 0 ? queries * keys : queries * (keys - queries) + queries * queries / 2;
                }
                ck_assert_uint_eq(ranks * pairs, tokens * cached + tokens * tokens / 2);
            }
        }
    }
}
END_TEST

static struct ring_question paper_question(uint64_t new_tokens)
{
    return (struct ring_question){
        .new_tokens = new_tokens,
        .cached_tokens = 128000 - new_tokens,
        .ranks = 4,
        .query_heads = 128,
        .kv_heads = 8,
        .element_bytes = 2.0,
        .flops_per_second = 800e12,
        .bytes_per_second = 50e9,
    };
}

/* Llama 3 405B on CP4 with the paper's peaks: Eq. (2) gives T >= 4 * 800e12 * 8 * 2 / (2 * 128 *
 * 50e9) = 4000; Eq. (1) gives T/(T+P) >= 2 * 8 / 128 = 12.5 %. */
START_TEST(algorithm_1_on_the_papers_cluster)
{
    struct ring_question question = paper_question(3200);
    struct ring_answer answer = ring_choose(RING_RULE_ALGORITHM_1, &question);
    ck_assert_double_eq_tol(answer.tokens_threshold, 4000.0, 1e-9);
    ck_assert_double_eq_tol(answer.miss_threshold, 0.125, 1e-12);
    ck_assert_double_eq_tol(answer.miss_rate, 0.025, 1e-12);
    ck_assert_int_eq(answer.variant, RING_PASS_Q);
    question = paper_question(4160);
    ck_assert_int_eq(ring_choose(RING_RULE_ALGORITHM_1, &question).variant, RING_PASS_KV);
}
END_TEST

/* Eq. (5) there: threshold 0.125 - 4 T * 50e9 / (4 * 800e12 * 2) = 0.125 - T / 32000, equal to
 * T / 128000 at T = 3200. */
START_TEST(algorithm_5_turns_at_3200)
{
    struct ring_question question = paper_question(3199);
    struct ring_answer answer = ring_choose(RING_RULE_ALGORITHM_5, &question);
    ck_assert_double_eq_tol(answer.miss_threshold, 0.125 - 3199.0 / 32000.0, 1e-12);
    ck_assert_int_eq(answer.variant, RING_PASS_Q);
    question = paper_question(3201);
    ck_assert_int_eq(ring_choose(RING_RULE_ALGORITHM_5, &question).variant, RING_PASS_KV);
}
END_TEST

/* h(1280, 126720) = -1.059 ln 1280 + 1.145 ln 0.01 + 12.112
 *                 = -7.57674 - 5.27292 + 12.112 = -0.73766: pass-Q. */
START_TEST(heuristic_as_printed)
{
    struct ring_question question = paper_question(1280);
    struct ring_answer answer = ring_choose(RING_RULE_HEURISTIC, &question);
    ck_assert_double_eq_tol(answer.heuristic, -0.73766, 1e-5);
    ck_assert_int_eq(answer.variant, RING_PASS_Q);
}
END_TEST

START_TEST(fixed_rules_and_no_ring)
{
    struct ring_question question = paper_question(1280);
    ck_assert_int_eq(ring_choose(RING_RULE_PASS_KV, &question).variant, RING_PASS_KV);
    ck_assert_int_eq(ring_choose(RING_RULE_PASS_Q, &question).variant, RING_PASS_Q);
    question.ranks = 1;
    ck_assert_int_eq(ring_choose(RING_RULE_PASS_Q, &question).variant, RING_NONE);
}
END_TEST

RUN_TESTS(context_parallel, prefill_shards_are_two_chunks, decode_batches_are_padded,
          ring_covers_the_triangle, ring_covers_the_triangle_always,
          algorithm_1_on_the_papers_cluster, algorithm_5_turns_at_3200, heuristic_as_printed,
          fixed_rules_and_no_ring)
