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
#define LOAD                                                                                       \
    "workload.lengths.prompt={kind: fixed, tokens: 1000 tokens}",                                  \
        "workload.lengths.output={kind: fixed, tokens: 41 tokens}", "software.request=0 s",        \
        "software.schedules_ahead=true", "software.decode_graph=true",                             \
        "software.prefill_graph=true", "software.step=0 s", "software.step_sequence=0 s",          \
        "software.eager_launch=0 s", "software.prefill_layer=10 ms"

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
    double seconds = cost.gpu_seconds;
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
    struct played apart =
        play_with(clients, beyond,
                  "software.loop={schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 0}");
    ck_assert_double_eq_tol(apart.metrics.latencies[LATENCY_TTFT].p50,
                            0.004 + 0.010 * layers + gpu / layers, 1e-6);
    struct played own = play_with(
        clients, beyond,
        "software.loop={schedule: 3 ms, schedule_sequence: 1 ms, worker_ranks: 2, own_launch: 2}");
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TTFT].p50, 0.004 + 0.020 * layers + 0.004,
                            1e-6);
}
END_TEST

/* Decode goes no faster than the loop: 70 ms and 5 a sequence. */
START_TEST(the_scheduler_paces_short_steps)
{
    struct played one = play_with("workload.arrivals={kind: closed-loop, clients: 1}",
                                  "software.piecewise_tokens=512 tokens",
                                  "software.loop={schedule: 70 ms, schedule_sequence: 5 ms}");
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
    struct played own = play_with(
        clients, beyond,
        "software.loop={schedule: 8 ms, schedule_sequence: 0 s, worker_ranks: 2, own_launch: 2}");
    double pace = 0.008 + 0.020 * layers;
    ck_assert_double_eq_tol(own.metrics.latencies[LATENCY_TPOT].p50, pace, 0.06 * pace);
    struct played apart = play_with(
        clients, beyond, "software.loop={schedule: 8 ms, schedule_sequence: 0 s, worker_ranks: 0}");
    ck_assert_double_eq_tol(apart.metrics.latencies[LATENCY_TPOT].p50, 0.010 * layers,
                            0.06 * 0.010 * layers);
}
END_TEST

RUN_TESTS(engine_loop, a_launch_by_hand_holds_the_first_token_up, the_scheduler_paces_short_steps,
          decode_beyond_the_graphs_is_launched_by_hand)
