/* SPDX-License-Identifier: MIT
 * What breaks while a service runs: each kind against what it must do to a service whose times are
 * known. A fault that struck nobody, or another replica, would still be counted; only these see it.
 */
#include "run_tests.h"
#include "serving_play.h"

#include "sim/serving/batching/step_cost.h"

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static double tpot_mean(const struct played *played)
{
    return played->metrics.latencies[LATENCY_TPOT].mean;
}

/* Steps of a replica, or of the stage of a pipeline, with a GPU of half the speed take twice as
 * long; of two stages alike one is slower, so a token takes half as long again. */
START_TEST(a_slow_gpu_slows_its_stage)
{
    static const char fault[] =
        "workload.faults=[{kind: gpu, gpu: 1, factor: 2, at: 0 s, duration: 1000 s}]";
    struct played sound =
        play_serving(SMALL, (const char *const[]){"layout.tensor=2", "workload.requests=1", NULL});
    struct played slow = play_serving(
        SMALL, (const char *const[]){"layout.tensor=2", "workload.requests=1", fault, NULL});
    /* But for what the loop does after each. */
    ck_assert_double_eq_tol(tpot_mean(&slow) / tpot_mean(&sound), 2.0, 1e-3);
    ck_assert_uint_eq(slow.metrics.faults, 1);
    struct played two = play_serving(
        SMALL, (const char *const[]){"layout.pipeline=2", "workload.requests=1", NULL});
    struct played second = play_serving(
        SMALL, (const char *const[]){"layout.pipeline=2", "workload.requests=1", fault, NULL});
    ck_assert_double_eq_tol(tpot_mean(&second) / tpot_mean(&two), 1.5, 0.05);
}
END_TEST

/* Eight replicas of two GPUs on two nodes: those of the second node stop for five seconds, what
 * they had begins again, and all is answered. */
START_TEST(a_node_takes_its_replicas_along)
{
    struct played played = play_serving(
        SMALL, (const char *const[]){
                   "layout={tensor: 2, data: 8}", "cluster.nodes=2",
                   "workload.arrivals.rate=100 /s", "workload.requests=2000",
                   "workload.faults=[{kind: node, node: 1, at: 5 s, duration: 5 s}]", NULL});
    ck_assert_uint_eq(played.metrics.faults, 1);
    ck_assert_double_eq_tol(played.metrics.down_seconds, 4.0 * 5.0, 1e-6);
    ck_assert_uint_gt(played.metrics.retries, 0);
    ck_assert_uint_eq(played.metrics.completed, 2000);
    ck_assert_uint_eq(played.free_pages, 8 * played.kv_pages);
}
END_TEST

/* Two faults at once on one replica: it is up again when both are over, and down for 3 s in all,
 * not for 2 + 2. */
START_TEST(faults_of_one_replica_overlap)
{
    struct played played = play_serving(
        SMALL, (const char *const[]){
                   "layout.data=2", "workload.requests=100", "workload.arrivals.rate=10 /s",
                   "workload.faults=[{kind: replica, replica: 0, at: 1 s, duration: 2 s}, {kind: "
                   "node, node: 0, at: 2 s, duration: 2 s}]",
                   NULL});
    ck_assert_double_eq_tol(played.metrics.down_seconds, 3.0 + 2.0, 1e-6);
    ck_assert_uint_eq(played.metrics.completed, 100);
}
END_TEST

/* A replica on two nodes takes the time of steps on cards of a tenth of the rate. */
START_TEST(a_weak_card_slows_steps_that_need_it)
{
    const char *const both[] = {"layout={tensor: 8, context: 2}", "cluster.nodes=2",
                                "workload.requests=1",
                                "workload.lengths.prompt.tokens=20000 tokens", NULL};
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct override texts[4];
    for (int i = 0; i < 4; i++) {
        texts[i] = (struct override){.text = both[i]};
    }
    const struct scenario *scenario = scenario_load(arena, SMALL, texts, 4, diagnostics);
    ck_assert_ptr_nonnull(scenario);
    const struct step_shape step = {.decodes = 1, .decode_context = 20032.0};
    double sound = step_cost_exact(step_costs_create(arena, scenario, 0, 1.0), &step).seconds;
    double weak = step_cost_exact(step_costs_create(arena, scenario, 0, 0.1), &step).seconds;
    ck_assert_double_gt(weak, sound);
    struct played played = play_serving(
        SMALL, (const char *const[]){both[0], both[1], both[2], both[3],
                                     "workload.faults=[{kind: card, gpu: 9, factor: 0.1, at: 0 s, "
                                     "duration: 1000 s}]",
                                     NULL});
    ck_assert_double_eq_tol(tpot_mean(&played) / weak, 1.0, 2e-3);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

/* A card that is gone stops who needs the network, and nobody else. */
START_TEST(a_lost_card_stops_who_needs_it)
{
    static const char fault[] =
        "workload.faults=[{kind: card-down, gpu: 1, at: 1 s, duration: 2 s}]";
    struct played inside = play_serving(
        SMALL, (const char *const[]){"layout.tensor=2", "workload.requests=10", fault, NULL});
    ck_assert_double_eq(inside.metrics.down_seconds, 0.0);
    struct played across = play_serving(
        SMALL, (const char *const[]){"layout={tensor: 8, context: 2}", "cluster.nodes=2",
                                     "workload.requests=10", fault, NULL});
    ck_assert_double_eq_tol(across.metrics.down_seconds, 2.0, 1e-6);
}
END_TEST

/* By chance: about as many as the rate says, the same ones for the same seed. */
START_TEST(faults_by_chance)
{
    const char *const overrides[] = {
        "layout={tensor: 2, data: 4}", "workload.requests=4000", "workload.arrivals.rate=20 /s",
        "workload.random_faults={kind: gpu, mean_between: 20 s, repair: 1 s, factor: 2}", NULL};
    struct played first = play_serving(SMALL, overrides), second = play_serving(SMALL, overrides);
    ck_assert_uint_eq(first.metrics.faults, second.metrics.faults);
    ck_assert_double_eq(tpot_mean(&first), tpot_mean(&second));
    /* 200 s on 8 GPUs, each every 21 s: 76 +- 9. */
    ck_assert_uint_gt(first.metrics.faults, 50);
    ck_assert_uint_lt(first.metrics.faults, 105);
}
END_TEST

RUN_TESTS(serving_faults, a_slow_gpu_slows_its_stage, a_node_takes_its_replicas_along,
          faults_of_one_replica_overlap, a_weak_card_slows_steps_that_need_it,
          a_lost_card_stops_who_needs_it, faults_by_chance)
