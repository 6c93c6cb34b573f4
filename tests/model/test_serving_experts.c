/* SPDX-License-Identifier: MIT
 * Ranks that share one set of experts serve in step: who has nothing to do runs along, the fullest
 * decides, requests are spread over all by the router. Catches ranks that drift apart, an average
 * in place of the fullest, and tokens lost between them. */
#include "run_tests.h"
#include "serving_play.h"
#include "sim/serving/batching/step_cost.h"

#include <math.h>

static const char small[] = CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml";

#define SHARED                                                                                     \
    "model=qwen3-30b-a3b", "precision=bf16", "layout.attention_data=4", "layout.expert=4",         \
        "workload.lengths.prompt={kind: fixed, tokens: 256 tokens}",                               \
        "workload.lengths.output={kind: fixed, tokens: 33 tokens}"

/* One request, alone: its rank brings 256 tokens and then one a step to experts that get none of
 * the other three; 1 step with the prompt, 32 that decode, on each of the four ranks. */
START_TEST(idle_ranks_run_along)
{
    static const char *const sets[] = {SHARED, "workload.requests=1", "software.step=0 s", NULL};
    struct played played = play_serving(small, sets);
    ck_assert_uint_eq(played.metrics.completed, 1);
    ck_assert_uint_eq(played.metrics.steps, 4 * 33);
    ck_assert_uint_eq(played.computed, 256);
    ck_assert_uint_eq(played.decoded, 32);

    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct override texts[16];
    size_t count = 0;
    for (; sets[count] != NULL; count++) {
        texts[count].text = sets[count];
    }
    const struct scenario *scenario = scenario_load(arena, small, texts, count, diagnostics);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    struct step_shape prompt = {
        .prompts = 1, .prompt_tokens = 256, .prompt_pairs = 0.5 * 256.0 * 256.0};
    struct step_shape decode = {.decodes = 1, .decode_context = 272.0};
    double full = step_cost(costs, &prompt).seconds;
    prompt.shared_tokens = 256.0;
    decode.shared_tokens = 1.0;
    double alone = step_cost(costs, &prompt).seconds;
    ck_assert_double_lt(alone, 0.9 * full); /* a quarter of the tokens meet the experts */
    ck_assert_double_eq_tol(played.metrics.latencies[LATENCY_TTFT].mean -
                                scenario->software.request_seconds -
                                scenario->software.answer_sequence_seconds,
                            alone, 1e-9);
    ck_assert_double_eq_tol(played.metrics.latencies[LATENCY_TPOT].mean,
                            step_cost(costs, &decode).seconds, 2e-5);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

/* Under load: every token is computed once, nothing overtakes itself, all ranks take the same
 * number of steps, and the requests go round. */
START_TEST(tokens_are_kept)
{
    static const char *const sets[] = {SHARED, "workload.requests=400",
                                       "workload.arrivals.rate=60 /s",
                                       "workload.service.router=round-robin", NULL};
    struct played played = play_serving(small, sets);
    ck_assert_uint_eq(played.metrics.completed, 400);
    ck_assert_uint_eq(played.computed, 400 * 256);
    ck_assert_uint_eq(played.decoded, 400 * 32);
    ck_assert_uint_eq(played.out_of_order, 0);
    ck_assert_uint_eq(played.over_full, 0);
    ck_assert_uint_eq(played.unforeseen, 0);
    ck_assert_uint_eq(played.metrics.steps % 4, 0);
    ck_assert_uint_eq(played.free_pages, 4 * played.kv_pages);
}
END_TEST

/* A second request on another rank goes through the experts with the first: a step takes longer
 * than alone, and less than two requests on one rank would not share. */
START_TEST(others_tokens_cost_time)
{
    static const char *const one[] = {SHARED, "workload.requests=1", NULL};
    static const char *const many[] = {SHARED, "workload.requests=64",
                                       "workload.arrivals.rate=100000 /s", NULL};
    struct played alone = play_serving(small, one), crowd = play_serving(small, many);
    ck_assert_double_gt(crowd.metrics.latencies[LATENCY_TPOT].mean,
                        alone.metrics.latencies[LATENCY_TPOT].mean);
    ck_assert_double_lt(crowd.end_seconds, 16.0 * alone.end_seconds);
}
END_TEST

#define BUSY                                                                                       \
    "model=qwen3-30b-a3b", "precision=bf16", "layout.attention_data=4", "layout.expert=4",         \
        "software={use: tensorrt-llm}",                                                            \
        "workload.lengths.prompt={kind: fixed, tokens: 2048 "                                      \
        "tokens}",                                                                                 \
        "workload.lengths.output={kind: uniform, least: 64 tokens, most: 192 tokens}",             \
        "workload.requests=200", "workload.arrivals={kind: closed-loop, clients: 32}"

/* Prompts that come one by one hold up all ranks each time; held back until each rank has one, they
 * hold them up a quarter as often: answers come sooner, first tokens later. Where there is one for
 * each rank at once, nobody waits: the same to the last digit. */
START_TEST(prompts_begin_together)
{
    static const char *const each[] = {BUSY, NULL};
    static const char *const together[] = {BUSY, "workload.service.align_prompts=30", NULL};
    struct played apart = play_serving(small, each), aligned = play_serving(small, together);
    ck_assert_uint_eq(aligned.metrics.completed, 200);
    ck_assert_uint_eq(aligned.computed, 200 * 2048);
    ck_assert_uint_eq(aligned.decoded, apart.decoded);
    ck_assert_double_lt(aligned.metrics.latencies[LATENCY_TPOT].mean,
                        0.9 * apart.metrics.latencies[LATENCY_TPOT].mean);
    ck_assert_double_gt(aligned.metrics.latencies[LATENCY_TTFT].mean,
                        apart.metrics.latencies[LATENCY_TTFT].mean);

    static const char *const at_once[] = {SHARED,
                                          "software={use: tensorrt-llm}",
                                          "workload.requests=4",
                                          "workload.arrivals={kind: at-once}",
                                          "workload.service.router=round-robin",
                                          NULL};
    static const char *const at_once_together[] = {SHARED,
                                                   "software={use: tensorrt-llm}",
                                                   "workload.requests=4",
                                                   "workload.arrivals={kind: at-once}",
                                                   "workload.service.router=round-robin",
                                                   "workload.service.align_prompts=30",
                                                   NULL};
    ck_assert_double_eq(play_serving(small, at_once).end_seconds,
                        play_serving(small, at_once_together).end_seconds);
}
END_TEST

/* A step of two halves: of each half's kernels K and exchange E, as that half alone has them, it
 * takes the host once, max(2 E, 2 K + 2 E s) and a layer's E; decode's low-latency kernels take no
 * SM (s = 0), normal ones 20 of 132. */
START_TEST(halves_run_in_one_another)
{
    static const char *const sets[] = {"model=qwen3-30b-a3b",
                                       "precision=bf16",
                                       "layout.attention_data=8",
                                       "layout.expert=8",
                                       "software={use: vllm, exchange: deepep}",
                                       "workload.service.two_batch_overlap=true"};
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct override texts[6];
    for (size_t i = 0; i < 6; i++) {
        texts[i].text = sets[i];
    }
    const struct scenario *overlapped = scenario_load(arena, small, texts, 6, diagnostics);
    const struct scenario *plain = scenario_load(arena, small, texts, 5, diagnostics);
    ck_assert_ptr_nonnull(overlapped);
    struct step_costs *two = step_costs_create(arena, overlapped, 0, 1.0);
    struct step_costs *one = step_costs_create(arena, plain, 0, 1.0);
    double layers = overlapped->llm.stack.layers;
    struct step_shape shapes[] = {
        {.decodes = 128, .decode_context = 1024.0},
        {.prompts = 4, .prompt_tokens = 4096, .prompt_pairs = 4.0 * 512.0 * 1024.0}};
    struct step_shape halves[] = {
        {.decodes = 64, .decode_context = 1024.0},
        {.prompts = 2, .prompt_tokens = 2048, .prompt_pairs = 2.0 * 512.0 * 1024.0}};
    const double shares[] = {0.0, 20.0 / 132.0};
    for (int i = 0; i < 2; i++) {
        struct step_cost half = step_cost_exact(one, &halves[i]);
        double exchange = half.parts.experts_seconds;
        double kernels = half.seconds - exchange - half.host_seconds;
        double both = fmax(2.0 * exchange, 2.0 * kernels + 2.0 * exchange * shares[i]);
        ck_assert_double_gt(exchange, 0.0);
        ck_assert_double_eq_tol(step_cost_exact(two, &shapes[i]).seconds,
                                half.host_seconds + both + exchange / layers, 1e-12);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(serving_experts, idle_ranks_run_along, tokens_are_kept, others_tokens_cost_time,
          prompts_begin_together, halves_run_in_one_another)
