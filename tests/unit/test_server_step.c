/* SPDX-License-Identifier: MIT
 * What a server's step is made of, from a decision made by hand: latencies of whole services would
 * not show a chunk that sees too little, nor caches that context ranks swap one after the other. */
#include "sim/serving/replica/server_step.h"

#include "run_tests.h"

#include <string.h>

/* Two answers over 1,000 tokens together; 512 tokens of a prompt on 1,024 that are computed, which
 * see these and half of each other; 128 computed again. */
START_TEST(shape_of_a_step)
{
    struct share shares[] = {
        {.tokens = 1, .computed = 300, .decodes = true},
        {.tokens = 1, .computed = 700, .decodes = true},
        {.tokens = 512, .computed = 1024},
        {.tokens = 128, .computed = 0},
    };
    const struct decision decision = {
        .shares = shares, .share_count = 4, .decode_count = 2, .decode_context = 1000};
    struct step_shape shape = lane_shape(&decision, &(struct scenario){0});
    ck_assert_uint_eq(shape.decodes, 2);
    ck_assert_uint_eq(shape.prompts, 2);
    ck_assert_double_eq(shape.decode_context, 500.0);
    ck_assert_uint_eq(shape.prompt_tokens, 640);
    ck_assert_double_eq(shape.prompt_pairs, 512.0 * (1024.0 + 256.0) + 128.0 * 64.0);
    ck_assert_uint_eq(shape.query_prompts, 0);
}
END_TEST

/* 1,000 tokens of 2 KB a GPU at 1 GB/s: 2 ms. Over 4 context ranks each moves its 250: 0.5 ms. All
 * tensor ranks' bytes are counted. */
START_TEST(context_ranks_swap_their_shards)
{
    static struct scenario scenario;
    memset(&scenario, 0, sizeof scenario);
    scenario.layout = (struct layout){.tensor = 2, .context = 1, .pipeline = 1, .data = 1};
    scenario.cluster.host_bytes_per_second = 1e9;
    struct pool pool = {.scenario = &scenario, .kv_bytes_per_token = 2000.0};
    struct server server = {.pool = &pool};
    struct lane lane = {.server = &server};
    const struct decision decision = {.swapped_tokens = 1000};
    lane_swap(&lane, &decision);
    ck_assert_double_eq_tol(lane.swap_seconds, 2e-3, 1e-15);
    ck_assert_double_eq(server.totals.swapped_bytes, 4e6);
    scenario.layout.context = 4;
    lane_swap(&lane, &decision);
    ck_assert_double_eq_tol(lane.swap_seconds, 0.5e-3, 1e-15);
    scenario.serving.service.swap_bytes_per_second = 2e9;
    lane_swap(&lane, &decision);
    ck_assert_double_eq_tol(lane.swap_seconds, 0.25e-3, 1e-15);
}
END_TEST

/* Two context ranks: of three prompts those that Algorithm 5 (arXiv 2411.01783) has pass queries
 * are counted once more: few new tokens on many that are cached. Their 100 new tokens see 9,900 and
 * half of each other, 100 x 9,950 pairs; 16,384 on none pass keys. */
START_TEST(queries_that_go_round_are_counted)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override overrides[] = {{.text = "layout.context=2"},
                                         {.text = "workload.turns=[{prompt: 1000 tokens}]"}};
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", overrides, 2, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct share shares[] = {{.tokens = 1, .computed = 300, .decodes = true},
                             {.tokens = 100, .computed = 9900},
                             {.tokens = 16384, .computed = 0},
                             {.tokens = 100, .computed = 9900}};
    const struct decision decision = {
        .shares = shares, .share_count = 4, .decode_count = 1, .decode_context = 300};
    struct step_shape shape = lane_shape(&decision, scenario);
    ck_assert_uint_eq(shape.prompts, 3);
    ck_assert_uint_eq(shape.query_prompts, 2);
    ck_assert_uint_eq(shape.query_tokens, 200);
    ck_assert_double_eq(shape.query_pairs, 2 * 100.0 * 9950.0);
    ck_assert_double_eq(shape.prompt_pairs, 2 * 100.0 * 9950.0 + 16384.0 * 8192.0);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(server_step, shape_of_a_step, context_ranks_swap_their_shards,
          queries_that_go_round_are_counted)
