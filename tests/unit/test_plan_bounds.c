/* SPDX-License-Identifier: MIT
 * The bounds of a plan: by hand on a replica of round figures, and never above what the simulator
 * itself takes, over shipped scenarios, layouts, precisions and batches. */
#include "one_kind.h"
#include "run_tests.h"
#include "sim/plan/bounds.h"
#include "sim/serving/batching/step_cost.h"

#include <math.h>
#include <stdio.h>

/* A model of 1 layer whose forward pass is 2 x 8 x 1024^2 FLOPs a token for attention's and 2 x 2 x
 * 1024 x 4096 for the feed-forward block's weights, and 4 x 1024 a pair. */
static const struct llm small_llm = {
    .name = "small",
    .hidden = 1024,
    .vocabulary = 1000,
    PLAIN_LAYERS(1, 8, 8, 128, 4096),
};

/* Attention's 4 x 1024^2 and the block's 2 x 1024 x 4096 weights are 12,582,912; a prompt of 100
 * tokens is 2 x 12,582,912 x 100 + 4 x 1024 x 100^2 / 2 = 2,537,062,400 FLOPs. */
static const double PROMPT_FLOPS = 2537062400.0;

static struct bound_replica make_replica(void)
{
    return (struct bound_replica){
        .llm = &small_llm,
        .weight_seconds = 0.010,
        .batch_weight_seconds = 0.010,
        .kv_seconds_per_token = 1e-6,
        .flops_per_second = PROMPT_FLOPS, /* such a prompt a second */
        .kv_tokens = 1000.0,
        .request_seconds = 0.005,
        .max_sequences = 4,
        .prefill_replicas = 1,
        .decode_replicas = 1,
    };
}

START_TEST(single_requests_by_hand)
{
    struct bound_replica replica = make_replica();
    ck_assert_double_eq(bound_tpot_seconds(&replica), 0.010);
    ck_assert_double_eq_tol(bound_ttft_seconds(&replica, 100), 1.005, 1e-12);
    ck_assert_double_eq_tol(bound_ttft_seconds(&replica, 1), 0.015, 1e-12); /* the weights */
}
END_TEST

static enum shortage load(const struct bound_replica *replica, double apart, uint32_t count,
                          uint32_t prompt, uint32_t output, double ttft, double tpot)
{
    struct arena *arena = arena_create();
    struct previewed_request *requests = ARENA_ARRAY(arena, struct previewed_request, count);
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = (struct previewed_request){
            .arrival_seconds = apart * i, .prompt_tokens = prompt, .output_tokens = output};
    }
    const struct serving_preview preview = {.requests = requests, .count = count};
    const struct bound_limits limits = {.ttft_seconds = ttft, .tpot_seconds = tpot};
    enum shortage answer = bound_load(replica, &limits, &preview, 0.0, arena);
    arena_destroy(arena);
    return answer;
}

/* 100 prompts of a second of compute each, one of which may miss. The i-th (from 0) must be done at
 * i x apart + 3 s; i of the first i + 1 then are: i <= i x apart + 3 for i = 99 is apart >= 96/99 =
 * 0.9697. Two replicas: 0.4697. */
START_TEST(compute_by_hand)
{
    struct bound_replica replica = make_replica();
    ck_assert_int_eq(load(&replica, 0.971, 100, 100, 1, 3.0, 1.0), SHORTAGE_NONE);
    ck_assert_int_eq(load(&replica, 0.968, 100, 100, 1, 3.0, 1.0), SHORTAGE_COMPUTE);
    replica.prefill_replicas = replica.decode_replicas = 2;
    ck_assert_int_eq(load(&replica, 0.471, 100, 100, 1, 3.0, 1.0), SHORTAGE_NONE);
    ck_assert_int_eq(load(&replica, 0.468, 100, 100, 1, 3.0, 1.0), SHORTAGE_COMPUTE);
    replica.pools = true; /* one of the two computes prompts */
    replica.prefill_replicas = 1;
    ck_assert_int_eq(load(&replica, 0.968, 100, 100, 1, 3.0, 1.0), SHORTAGE_COMPUTE);
}
END_TEST

/* 100 answers of 101 tokens to prompts of 50: 100 x 10 ms / 4 = 0.25 s of reading weights and
 * 100 x (50 + 50) x 1 us = 0.01 s of reading caches each; two of them may miss. Due i x apart + 3 s
 * + 100 x 20 ms: 98 x 0.26 = 25.48 <= 99 x apart + 5 is apart >= 0.2069. The caches, 100 x 100
 * tokens x 10 ms / 1000 = 0.1 s of the room each, are the lesser need: with room for 300 tokens
 * they are 0.333 s, and 98 of them 32.67 <= 99 x apart + 5 is apart >= 0.2795. */
START_TEST(decode_by_hand)
{
    struct bound_replica replica = make_replica();
    replica.flops_per_second = 1e15;
    ck_assert_int_eq(load(&replica, 0.2079, 100, 50, 101, 3.0, 0.02), SHORTAGE_NONE);
    ck_assert_int_eq(load(&replica, 0.2059, 100, 50, 101, 3.0, 0.02), SHORTAGE_BANDWIDTH);
    replica.kv_tokens = 300.0;
    ck_assert_int_eq(load(&replica, 0.2805, 100, 50, 101, 3.0, 0.02), SHORTAGE_NONE);
    ck_assert_int_eq(load(&replica, 0.2785, 100, 50, 101, 3.0, 0.02), SHORTAGE_KV_ROOM);
    replica.kv_tokens = 150.0; /* less than one request */
    ck_assert_int_eq(load(&replica, 9.0, 100, 50, 101, 3.0, 0.02), SHORTAGE_KV_ROOM);
}
END_TEST

struct tally {
    double tightest;
    int scenarios;
};

/* The bounds against the price of every batch of a grid. */
static void compare(const char *path, const char *model, const char *precision, const char *layout,
                    struct tally *tally)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override overrides[] = {
        {.text = model},
        {.text = precision},
        {.text = layout},
        {.text = "cluster.nodes=4"},
        {.text = "software.features=[context]"},
        {.text = "workload.service.max_batched_tokens=2048 tokens"}};
    const struct scenario *scenario =
        scenario_load(arena, path, overrides, sizeof overrides / sizeof *overrides, diagnostics);
    if (scenario == NULL) { /* does not fit: nothing to bound */
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
        return;
    }
    tally->scenarios++;
    struct bound_replica replica = bound_replica_of(scenario);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    for (uint32_t sequences = 1; sequences <= 256; sequences *= 4) {
        for (double context = 16.0; context <= 65536.0; context *= 16.0) {
            struct step_shape decode = {.decodes = sequences, .decode_context = context};
            double bound = fmax(bound_tpot_seconds(&replica), /* a share of the weights for each */
                                replica.weight_seconds * fmin(sequences, replica.max_sequences) /
                                        replica.max_sequences +
                                    sequences * context * replica.kv_seconds_per_token);
            double seconds = step_cost_exact(costs, &decode).seconds;
            ck_assert_msg(bound <= seconds, "%s %s %s: %u x %.0f: %g > %g", model, precision,
                          layout, sequences, context, bound, seconds);
            tally->tightest = fmax(tally->tightest, bound / seconds);
            struct step_shape prompt = {.prompts = 1,
                                        .prompt_tokens = (uint64_t)context,
                                        .prompt_pairs = 0.5 * context * context};
            bound = bound_ttft_seconds(&replica, (uint32_t)context) - replica.request_seconds;
            seconds = step_cost_exact(costs, &prompt).seconds;
            ck_assert_msg(bound <= seconds, "%s %s %s: prompt of %.0f: %g > %g", model, precision,
                          layout, context, bound, seconds);
        }
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

START_TEST(no_price_is_below_its_bound)
{
    static const char path[] = CPSIM_SOURCE_DIR "/scenarios/serving-70b-chat.yaml";
    static const char *const models[] = {"model=llama3-70b", "model=llama3-8b", "model=llama3-405b",
                                         "model=mixtral-8x7b", "model=qwen3-30b-a3b"};
    static const char *const precisions[] = {"precision=bf16", "precision=fp8-ffn",
                                             "precision=fp8",  "precision=w4a16",
                                             "precision=w8a8", "precision=kv-fp8"};
    static const char *const layouts[] = {"layout={tensor: 1}",
                                          "layout={tensor: 2}",
                                          "layout={tensor: 4}",
                                          "layout={tensor: 8}",
                                          "layout={tensor: 8, context: 2}",
                                          "layout={tensor: 8, context: 4}"};
    struct tally tally = {0};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        for (size_t j = 0; j < sizeof precisions / sizeof *precisions; j++) {
            for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
                compare(path, models[i], precisions[j], layouts[k], &tally);
            }
        }
    }
    printf("%d scenarios; decode: the bound is at most %.3f of the step\n", tally.scenarios,
           tally.tightest);
    ck_assert_double_gt(tally.tightest, 0.7); /* or it would bound nothing */
    ck_assert_int_gt(tally.scenarios, 100);
}
END_TEST

RUN_TESTS(plan_bounds, single_requests_by_hand, compute_by_hand, decode_by_hand,
          no_price_is_below_its_bound)
