/* SPDX-License-Identifier: MIT
 * A replica whose layers lie on several pipeline stages: one request passes them one after the
 * other, several keep them busy side by side, and nothing is lost when pages run out or a replica
 * fails. The stages' own times come from the prices that test_step_cost.c checks. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/layout/model_stage.h"
#include "sim/serving/batching/step_cost.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
enum { STAGES = 2, PROMPT = 128 };

/* Of Llama 3 8B on two stages of a GPU each, as SMALL has it. */
struct stage_times {
    double prefill[STAGES], decode[STAGES];            /* of one sequence, seconds */
    double send_prefill, send_decode, request_seconds; /* there and back */
};

static struct stage_times stage_times(const char *node_rate)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override sets[] = {{.text = "layout.pipeline=2"}, {.text = node_rate}};
    const struct scenario *scenario = scenario_load(arena, SMALL, sets, 2, diagnostics);
    ck_assert_ptr_nonnull(scenario);
    struct stage_times times = {.request_seconds = scenario->software.request_seconds +
                                                   scenario->software.answer_sequence_seconds};
    for (uint32_t i = 0; i < STAGES; i++) {
        struct step_costs *costs = step_costs_create(arena, scenario, i, 1.0);
        const struct step_shape prompt = {
            .prompts = 1, .prompt_tokens = PROMPT, .prompt_pairs = 0.5 * PROMPT * PROMPT};
        times.prefill[i] = step_cost_exact(costs, &prompt).seconds;
        const struct step_shape decode = {.decodes = 1, .decode_context = PROMPT + 32};
        times.decode[i] = step_cost_decode_seconds(costs, &decode, PROMPT + 32);
    }
    /* Hidden state and residual, 4096 elements of 2 bytes each, at a GPU's NVLink rate. */
    double token_seconds = 2.0 * 4096 * 2 / scenario->cluster.node_bytes_per_second;
    times.send_prefill = PROMPT * token_seconds;
    times.send_decode = token_seconds;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return times;
}

START_TEST(one_request_passes_the_stages)
{
    /* Links so slow that what travels between stages shows. */
    static const char node_rate[] = "cluster.node_rate=1 GB/s";
    struct stage_times times = stage_times(node_rate);
    struct played played = play_serving(
        SMALL, (const char *const[]){"layout.pipeline=2", "workload.requests=1", node_rate, NULL});
    double ttft = times.request_seconds + times.prefill[0] + times.send_prefill + times.prefill[1];
    double tpot = times.decode[0] + times.send_decode + times.decode[1];
    ck_assert_double_eq_tol(played.metrics.latencies[LATENCY_TTFT].mean / ttft, 1.0, 1e-3);
    ck_assert_double_eq_tol(played.metrics.latencies[LATENCY_TPOT].mean / tpot, 1.0, 1e-3);
}
END_TEST

/* Two requests, far apart in the beginning, answer side by side: each stage always has one of them
 * and the slower stage sets the pace. A token takes each of them two of its steps. */
START_TEST(two_requests_keep_two_stages_busy)
{
    struct stage_times times = stage_times("layout.tensor=1");
    struct played played = play_serving(
        SMALL, (const char *const[]){"layout.pipeline=2", "workload.requests=2",
                                     "workload.arrivals={kind: constant, rate: 50 /s}",
                                     "workload.lengths.output.tokens=4000 tokens",
                                     "workload.lengths.prompt.tokens=128 tokens", NULL});
    double slower = fmax(times.decode[0], times.decode[1]);
    double alone = times.decode[0] + times.send_decode + times.decode[1];
    printf("TPOT %.3f ms; the slower stage twice %.3f ms, alone %.3f ms\n",
           1e3 * played.metrics.latencies[LATENCY_TPOT].mean, 2e3 * slower, 1e3 * alone);
    /* Contexts grow from 128 to 4128 tokens, which adds 4 % to a step. */
    ck_assert_double_eq_tol(played.metrics.latencies[LATENCY_TPOT].mean / fmax(2.0 * slower, alone),
                            1.0, 0.05);
    ck_assert_double_gt(played.metrics.busy_share, 0.9);
    ck_assert_double_le(played.metrics.busy_share, 1.0);
}
END_TEST

/* The layers of a stage, and what their cache holds: Llama 3 8B has 32 layers, of which three
 * stages get 11, 11 and 10: the stage of the head gets none of those left over. */
START_TEST(layers_are_shared_out_as_vllm_does)
{
    const struct llm llm = {.stack = {.layers = 32}};
    static const uint32_t layers[] = {11, 11, 10};
    uint32_t first = 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct model_stage stage = model_stage(&llm, 3, i);
        ck_assert_uint_eq(stage.layers, layers[i]);
        ck_assert_uint_eq(stage.first_layer, first);
        ck_assert(stage.embeds == (i == 0) && stage.heads == (i == 2));
        first += stage.layers;
    }
    ck_assert_uint_eq(first, 32);
}
END_TEST

/* Half the layers on a GPU: each token needs half as much there, and weights leave more room. */
START_TEST(a_stage_caches_its_own_layers)
{
    struct played one = play_serving(SMALL, (const char *const[]){"workload.requests=1", NULL});
    struct played two = play_serving(
        SMALL, (const char *const[]){"layout.pipeline=2", "workload.requests=1", NULL});
    ck_assert_uint_gt(two.kv_pages, 2 * one.kv_pages);
    ck_assert_uint_lt(two.kv_pages, 3 * one.kv_pages);
}
END_TEST

/* Pages run out, replicas fail: every request is answered once and no page is lost. */
START_TEST(pipelines_lose_nothing)
{
    static const char *const policies[] = {"chunked-prefill", "prefill-first", "static"};
    for (int i = 0; i < 3; i++) {
        char policy[64];
        snprintf(policy, sizeof policy, "workload.service.policy=%s", policies[i]);
        struct played played = play_serving(
            SMALL,
            (const char *const[]){"layout={pipeline: 3, data: 2}", policy, "memory.fraction=0.147",
                                  "workload.arrivals.rate=200 /s", "workload.requests=1000",
                                  "workload.lengths.output={kind: uniform, least: 1 tokens, most: "
                                  "2000 tokens}",
                                  "workload.service.prefix_cache=false",
                                  "workload.faults=[{kind: replica, replica: 1, at: 2 s, "
                                  "duration: 5 s}]",
                                  NULL});
        printf("%s: %lu preemptions, %lu retries, %lu pages\n", policies[i],
               (unsigned long)played.metrics.preemptions, (unsigned long)played.metrics.retries,
               (unsigned long)played.kv_pages);
        ck_assert_uint_eq(played.metrics.completed, 1000);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_eq(played.over_full, 0);
        ck_assert_uint_eq(played.free_pages, 2 * played.kv_pages);
        ck_assert_uint_gt(played.metrics.retries, 0);
        ck_assert(i == 2 || played.metrics.preemptions > 0);
        ck_assert_double_le(played.metrics.busy_share, 1.0);
    }
}
END_TEST

RUN_TESTS(serving_pipeline, one_request_passes_the_stages, two_requests_keep_two_stages_busy,
          layers_are_shared_out_as_vllm_does, a_stage_caches_its_own_layers, pipelines_lose_nothing)
