/* SPDX-License-Identifier: MIT
 * An engine with two steps in flight, against hand arithmetic: what its loop and its launches cost.
 */
#include "run_tests.h"
#include "serving_play.h"
#include "sim/scenario/scenario.h"
#include "sim/serving/batching/step_cost.h"

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

/* Clients with prompts of 1000 tokens and answers of 41. Launches by hand take 10 ms a layer, times
 * two where the loop launches; nothing is beyond the loop but them. */
#define NO_MORE "prepare: 0 s, sample: 0 s, take_in: 0 s, take_in_sequence: 0 s, "
#define LOAD                                                                                       \
    "workload.lengths.prompt={kind: fixed, tokens: 1000 tokens}",                                  \
        "workload.lengths.output={kind: fixed, tokens: 41 tokens}", "software.request=0 s",        \
        "software.schedules_ahead=true", "software.decode_graph=true",                             \
        "software.prefill_graph=true", "software.step=0 s", "software.step_sequence=0 s",          \
        "software.eager_launch=0 s", "software.prefill_layer=10 ms",                               \
        "software.answer_sequence=0 s"

enum { MOST = 24 };

static struct played play_with(const char *first, const char *second, const char *third)
{
    return play_serving(SMALL, (const char *const[]){LOAD, first, second, third, NULL});
}

/* What the GPU takes for a prompt, launched by hand, and the number of layers. */
static double prompt_seconds(double *layers)
{
    static const char *const texts[] = {LOAD, "software.piecewise_tokens=512 tokens"};
    struct override overrides[MOST];
    size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++) {
        overrides[i] = (struct override){.text = texts[i]};
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, SMALL, overrides, count, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    const struct step_shape shape = {
        .prompts = 1, .prompt_tokens = 1000, .prompt_pairs = 1000.0 * 500.0};
    struct step_cost cost = step_cost(costs, &shape);
    *layers = scenario->llm.stack.layers;
    ck_assert_double_eq_tol(cost.launch_seconds, 0.010 * *layers, 1e-9);
    ck_assert_double_lt(cost.gpu_seconds, cost.seconds);
    double seconds = cost.rested_seconds; /* nothing ran before */
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return seconds;
}

/* A prompt alone: 3 ms and 1 of the scheduler, the launch of all layers, and of the last one's time
 * on the GPU what is more than the loop takes to make up the next step. */
START_TEST(a_launch_by_hand_holds_the_first_token_up)
{
    double layers = 0.0, gpu = prompt_seconds(&layers);
    const char *clients = "workload.arrivals={kind: closed-loop, clients: 1}";
    const char *beyond = "software.piecewise_tokens=512 tokens";
    ck_assert_double_lt(gpu / layers, 0.004);
    struct played apart = play_with(clients, beyond,
                                    "software.loop={" NO_MORE
                                    "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 0}");
    ck_assert_double_eq_tol(apart.metrics.latencies[LATENCY_TTFT].p50,
                            0.004 + 0.010 * layers + gpu / layers, 1e-6);
    struct played own =
        play_with(clients, beyond,
                  "software.loop={" NO_MORE
                  "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, own_launch: 2}");
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50, 0.004 + 0.020 * layers + 0.004,
                            1e-6);
}
END_TEST

/* 48 layers with experts, 10 ms each: a loop that launches takes twice as long for those, whatever
 * it takes for others. */
START_TEST(layers_with_experts_are_launched_at_a_pace_of_their_own)
{
    struct played own = play_serving(
        SMALL, (const char *const[]){LOAD, "model=qwen3-30b-a3b", "software.experts_layer=10 ms",
                                     "workload.arrivals={kind: closed-loop, clients: 1}",
                                     "software.piecewise_tokens=512 tokens",
                                     "software.loop={" NO_MORE
                                     "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, "
                                     "own_launch: 3, own_experts_launch: 2}",
                                     NULL});
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50, 0.004 + 0.020 * 48 + 0.004,
                            1e-6);
}
END_TEST

/* The same model's piecewise graphs have no pace of their own: 10 ms a layer, three times that. */
START_TEST(piecewise_graphs_of_experts_are_launched_as_others)
{
    struct played own = play_serving(
        SMALL, (const char *const[]){LOAD, "model=qwen3-30b-a3b", "software.piecewise_layer=10 ms",
                                     "workload.arrivals={kind: closed-loop, clients: 1}",
                                     "software.piecewise_tokens=2048 tokens",
                                     "software.loop={" NO_MORE
                                     "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, "
                                     "own_launch: 3, own_experts_launch: 2}",
                                     NULL});
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50, 0.004 + 0.030 * 48 + 0.004,
                            1e-6);
}
END_TEST

/* Without graphs of prompts none is piecewise: 10 ms a layer by hand, not 1. */
START_TEST(no_graph_of_prompts_is_no_piecewise_one)
{
    double layers = 0.0;
    prompt_seconds(&layers);
    struct played own = play_serving(
        SMALL,
        (const char *const[]){LOAD, "software.prefill_graph=false", "software.piecewise_layer=1 ms",
                              "workload.arrivals={kind: closed-loop, clients: 1}",
                              "software.piecewise_tokens=2048 tokens",
                              "software.loop={" NO_MORE
                              "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, "
                              "own_launch: 1}",
                              NULL});
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50, 0.004 + 0.010 * layers + 0.004,
                            1e-6);
}
END_TEST

/* DeepSeek-V2-Lite: one dense layer, 10 + 3 ms of latent attention, twice; 26 with experts and a
 * shared block, 12 + 3 + 5 ms. */
START_TEST(latent_attention_and_shared_experts_are_launches_of_their_own)
{
    struct played own = play_serving(
        SMALL,
        (const char *const[]){LOAD, "model=deepseek-v2-lite", "software.experts_layer=12 ms",
                              "software.latent_layer=3 ms", "software.shared_experts_layer=5 ms",
                              "workload.arrivals={kind: closed-loop, clients: 1}",
                              "software.piecewise_tokens=512 tokens",
                              "software.loop={" NO_MORE
                              "schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, "
                              "own_launch: 2, own_experts_launch: 1}",
                              NULL});
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50,
                            0.004 + 0.026 + 0.020 * 26 + 0.004, 1e-6);
}
END_TEST

/* TPOT of one client with `more`, s. */
static double tpot_with(const char *model, const char *more)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){LOAD, model, "software.piecewise_tokens=512 tokens",
                              "workload.arrivals={kind: closed-loop, clients: 1}", more, NULL});
    return played.metrics.latencies[LATENCY_TPOT].p50;
}

/* DeepSeek-V2-Lite's 27 layers wait 2 ms each, half of which comes with latent attention; a model
 * without it waits 1. */
START_TEST(gaps_round_latent_attention_are_more)
{
    const char *none = "software.decode_layer=0 s";
    const char *half = "software={decode_layer: 1 ms, latent_decode_layer: 1 ms}";
    double latent =
        tpot_with("model=deepseek-v2-lite", half) - tpot_with("model=deepseek-v2-lite", none);
    ck_assert_double_eq_tol(latent, 27 * 0.002, 0.0005);
    double plain = tpot_with("model=llama3.1-8b", half) - tpot_with("model=llama3.1-8b", none);
    ck_assert_double_eq_tol(plain, 32 * 0.001, 0.0005);
}
END_TEST

/* Decode goes no faster than the loop: 70 ms and 5 a sequence. */
START_TEST(the_scheduler_paces_short_steps)
{
    struct played one = play_with(
        "workload.arrivals={kind: closed-loop, clients: 1}", "software.piecewise_tokens=512 tokens",
        "software.loop={" NO_MORE "schedule: 70 ms, schedule_sequence: 5 ms}");
    ck_assert_double_eq_tol(one.metrics.latencies[LATENCY_TPOT].p50, 0.075, 0.075 / 40.0);
}
END_TEST

/* One sequence is beyond graphs of no token at all but one, and launched by hand: a loop that
 * launches is busy with it and then schedules; a worker of its own launches meanwhile. */
START_TEST(decode_beyond_the_graphs_is_launched_by_hand)
{
    double layers = 0.0;
    prompt_seconds(&layers);
    const char *clients = "workload.arrivals={kind: closed-loop, clients: 4}";
    const char *beyond = "software.piecewise_tokens=1 token";
    struct played own =
        play_with(clients, beyond,
                  "software.loop={" NO_MORE
                  "schedule: 8 ms, schedule_sequence: 0 s, worker_ranks: 2, own_launch: 2}");
    double pace = 0.008 + 0.020 * layers;
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TPOT].p50, pace, 0.06 * pace);
    struct played apart = play_with(clients, beyond,
                                    "software.loop={" NO_MORE
                                    "schedule: 8 ms, schedule_sequence: 0 s, worker_ranks: 0}");
    ck_assert_double_eq_tol(apart.metrics.latencies[LATENCY_TPOT].p50, 0.010 * layers,
                            0.06 * 0.010 * layers);
}
END_TEST

/* Decode that the loop paces: 5 ms to make a step up, 20 to prepare it, 10 to launch its sampler, 7
 * to take it in, and 1 ms a sequence of the last. A worker of its own prepares meanwhile: 33. */
START_TEST(what_is_around_a_launch_takes_the_loop)
{
    const char *clients = "workload.arrivals={kind: closed-loop, clients: 1}";
    struct played own = play_with(clients, "software.loop.worker_ranks=2",
                                  "software.loop={schedule: 5 ms, schedule_sequence: 0 s, prepare: "
                                  "20 ms, sample: 10 ms, take_in: 7 ms, take_in_sequence: 1 ms, "
                                  "worker_ranks: 2}");
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TPOT].p50, 0.043, 0.043 / 40.0);
    struct played apart = play_with(clients, "software.loop.worker_ranks=2",
                                    "software.loop={schedule: 5 ms, schedule_sequence: 0 s, "
                                    "prepare: 20 ms, sample: 13 ms, take_in: 7 ms, "
                                    "take_in_sequence: 1 ms, worker_ranks: 0}");
    ck_assert_double_eq_tol(apart.metrics.latencies[LATENCY_TPOT].p50, 0.033, 0.033 / 40.0);
}
END_TEST

/* Four requests in step: each has its first token 4 x 2 ms after the step's end, and its last. */
START_TEST(answers_go_back_one_by_one)
{
    const char *four = "workload.requests=4", *come = "workload.arrivals={kind: at-once}";
    struct played at_once = play_with(come, four, "software.request=0 s");
    struct played streamed = play_with(come, four, "software.answer_sequence=2 ms");
    for (int i = 0; i < 2; i++) {
        enum latency latency = i == 0 ? LATENCY_TTFT : LATENCY_E2E;
        ck_assert_double_eq_tol(streamed.metrics.latencies[latency].p50 -
                                    at_once.metrics.latencies[latency].p50,
                                0.008, 1e-9);
    }
    ck_assert_double_eq_tol(streamed.metrics.latencies[LATENCY_TPOT].p50,
                            at_once.metrics.latencies[LATENCY_TPOT].p50, 1e-9);
}
END_TEST

/* A GPU that rested draws more than its limit for as long as its spare energy lasts: a prompt of
 * 4000 tokens alone is computed at a higher clock, 60 of them without a break at the limit's. */
START_TEST(a_rested_gpu_is_faster)
{
    static const char *const prompts[] = {
        "workload.lengths.prompt={kind: fixed, tokens: 4000 tokens}",
        "workload.lengths.output={kind: fixed, tokens: 1 token}", "software.schedules_ahead=true",
        "workload.arrivals={kind: at-once}", "workload.service.max_batched_tokens=4000 tokens"};
    static const char *const none = "gpu.burst_energy=0 J";
    double seconds[2][2];
    for (int rested = 0; rested < 2; rested++) {
        for (int many = 0; many < 2; many++) {
            struct played played = play_serving(
                SMALL,
                (const char *const[]){prompts[0], prompts[1], prompts[2], prompts[3], prompts[4],
                                      many ? "workload.requests=60" : "workload.requests=1",
                                      rested ? NULL : none, NULL});
            seconds[rested][many] = played.metrics.latencies[LATENCY_TTFT].max;
        }
    }
    ck_assert_double_lt(seconds[1][0], 0.97 * seconds[0][0]);
    ck_assert_double_lt(seconds[1][1], seconds[0][1]);
    ck_assert_double_gt(seconds[1][1], 0.995 * seconds[0][1]);
}
END_TEST

/* The exact price of a step of SMALL with two texts more. */
static struct step_cost price_with(const char *first, const char *second,
                                   const struct step_shape *shape)
{
    struct override overrides[] = {{.text = "software.piecewise_tokens=512 tokens"},
                                   {.text = "software.graphs.multiple=0 tokens"},
                                   {.text = first},
                                   {.text = second}};
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, SMALL, overrides, 4, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct step_cost cost = step_cost_exact(step_costs_create(arena, scenario, 0, 1.0), shape);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return cost;
}

/* From a graph of 16 tokens 9 sequences take what 16 take, but for attention and the head, whose
 * logits are of 9; beyond the largest graph nothing is filled up. */
START_TEST(a_graph_computes_all_of_its_tokens)
{
    const char *sizes = "software.graphs.multiple=8 tokens", *none = "software.request=0 s";
    struct step_shape nine = {.decodes = 9, .decode_context = 500.0};
    struct step_shape sixteen = {.decodes = 16, .decode_context = 500.0};
    struct step_cost filled = price_with(sizes, none, &nine);
    struct step_cost whole = price_with(none, none, &sixteen);
    struct step_cost own = price_with(none, none, &nine);
    ck_assert_double_eq_tol(filled.parts.gemm_seconds / whole.parts.gemm_seconds, 1.0, 2e-3);
    ck_assert_double_eq_tol(filled.parts.attention_seconds, own.parts.attention_seconds, 1e-12);
    ck_assert_double_gt(filled.parts.flops, own.parts.flops);
    struct step_cost beyond = price_with(sizes, "software.piecewise_tokens=8 tokens", &nine);
    ck_assert_double_eq_tol(beyond.parts.flops, own.parts.flops, 1.0);
}
END_TEST

/* With half the rate decode attention beside prompts takes its time but for its start twice; up to
 * the largest graph it does not. */
START_TEST(answers_beside_prompts_are_read_slower)
{
    const char *half = "software.mixed_decode_efficiency=0.5";
    const char *full = "software.mixed_decode_efficiency=1", *none = "software.request=0 s";
    struct step_shape decode = {.decodes = 100, .decode_context = 2000.0};
    struct step_shape mixed = {.decodes = 100,
                               .decode_context = 2000.0,
                               .prompts = 1,
                               .prompt_tokens = 1000,
                               .prompt_pairs = 500e3};
    double alone = price_with(full, none, &decode).parts.attention_seconds;
    double more = price_with(half, none, &mixed).parts.attention_seconds -
                  price_with(full, none, &mixed).parts.attention_seconds;
    ck_assert_double_gt(more, 0.8 * alone);
    ck_assert_double_lt(more, 1.05 * alone);
    const char *graph = "software.piecewise_tokens=2000 tokens";
    ck_assert_double_eq_tol(price_with(half, graph, &mixed).parts.attention_seconds,
                            price_with(full, graph, &mixed).parts.attention_seconds, 1e-12);
}
END_TEST

/* 1 ms more a layer of a prompt launched by hand, and none of one from graphs. */
START_TEST(gaps_of_a_layer_launched_by_hand)
{
    const char *gaps = "software.hand_layer=1 ms", *none = "software.hand_layer=0 s";
    const char *zero = "software.prefill_layer=0 s";
    struct step_shape prompt = {.prompts = 1, .prompt_tokens = 1000, .prompt_pairs = 500e3};
    double more =
        price_with(gaps, zero, &prompt).gpu_seconds - price_with(none, zero, &prompt).gpu_seconds;
    ck_assert_double_gt(more, 0.80 * 0.032); /* it rests in them, and goes faster between them */
    ck_assert_double_lt(more, 0.032);
    prompt = (struct step_shape){.prompts = 1, .prompt_tokens = 400, .prompt_pairs = 80e3};
    ck_assert_double_eq_tol(price_with(gaps, zero, &prompt).gpu_seconds,
                            price_with(none, zero, &prompt).gpu_seconds, 1e-12);
}
END_TEST

RUN_TESTS(engine_loop, a_graph_computes_all_of_its_tokens, answers_beside_prompts_are_read_slower,
          gaps_of_a_layer_launched_by_hand, what_is_around_a_launch_takes_the_loop,
          answers_go_back_one_by_one, a_rested_gpu_is_faster,
          a_launch_by_hand_holds_the_first_token_up,
          layers_with_experts_are_launched_at_a_pace_of_their_own,
          piecewise_graphs_of_experts_are_launched_as_others,
          no_graph_of_prompts_is_no_piecewise_one,
          latent_attention_and_shared_experts_are_launches_of_their_own,
          gaps_round_latent_attention_are_more, the_scheduler_paces_short_steps,
          decode_beyond_the_graphs_is_launched_by_hand)
