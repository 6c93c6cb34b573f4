/* SPDX-License-Identifier: MIT
 * Replicas that move between prefill and decode (sim/serving/replica/switching.c). */
#include "run_tests.h"
#include "serving_play.h"
#include "sim/serving/replica/switching.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-phases.yaml"

static const struct phase_switching says = {.waiting_high = 5.0,
                                            .waiting_low = 0.2,
                                            .cache_high = 0.9,
                                            .cache_low = 0.5,
                                            .within_seconds = 5.0};

/* Both thresholds must be passed, and nobody else be on the way. */
START_TEST(by_load)
{
    static const struct {
        double waiting, cache;
        uint32_t moving, wanted; /* of two that prefill */
    } rows[] = {
        {6.0, 0.4, 0, 3},  {6.0, 0.6, 0, 2}, {5.0, 0.4, 0, 2}, {0.1, 0.95, 0, 1},
        {0.3, 0.95, 0, 2}, {0.1, 0.9, 0, 2}, {6.0, 0.4, 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phase_loads loads = {.waiting = rows[i].waiting, .cache_share = rows[i].cache};
        struct phase_counts counts = {.prefill = 2, .decode = 6, .moving = rows[i].moving};
        ck_assert_uint_eq(switching_policies[SWITCHING_LOAD]->prefill(&says, &loads, &counts),
                          rows[i].wanted);
    }
}
END_TEST

/* Prompts for 40 s on one replica are to be done within 5 s: eight. Who decodes or waits fills 1.8
 * caches to 90 %: two. Of eight, 8 x 8 / 10 = 6.4: six prefill. With prompts for 10 s two are
 * enough, and they stay, whoever decodes having enough; not when that wants 7.2 / 0.9 = 8: then 8 x
 * 2 / 10 = 1.6, two again; and with prompts for 2 s, 8 x 0.4 / 8.4 = 0.4: none (`least` is not its
 * matter). */
START_TEST(by_demand)
{
    static const struct {
        double backlog, cache;
        uint32_t wanted;
    } rows[] = {{40.0, 1.8, 6}, {10.0, 1.8, 2}, {10.0, 7.2, 2}, {2.0, 7.2, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct phase_loads loads = {.backlog_seconds = rows[i].backlog,
                                    .cache_wanted = rows[i].cache};
        struct phase_counts counts = {.prefill = 2, .decode = 6};
        ck_assert_uint_eq(switching_policies[SWITCHING_DEMAND]->prefill(&says, &loads, &counts),
                          rows[i].wanted);
    }
}
END_TEST

static struct played play_table(const char *rows, const char *switching)
{
    char path[] = "/tmp/cpsim-switching-XXXXXX", arrivals[128];
    write_table(path, rows);
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, format: csv, file: '%s'}",
             path);
    struct played played = play_serving(
        SMALL,
        (const char *const[]){arrivals, "layout.data=3", "workload.service.policy=disaggregated",
                              "workload.service.prefill_replicas=1", switching, NULL});
    remove(path);
    return played;
}

/* `count` prompts of 4,000 tokens at `at`, after `before`, and one long after all. */
static struct played play_prompts(const char *before, double at, const char *switching)
{
    char rows[4096];
    int used =
        snprintf(rows, sizeof rows, "arrival_seconds,prompt_tokens,output_tokens\n%s", before);
    for (int i = 0; i < 80; i++) {
        used += snprintf(rows + used, sizeof rows - (size_t)used, "%g,4000,2\n", at);
    }
    snprintf(rows + used, sizeof rows - (size_t)used, "100,128,2\n");
    return play_table(rows, switching);
}

#define LOAD "workload.service.switching={policy: load, interval: 2 s, switch: 3 s, waiting_low: 0}"

/* One of three prefills. 80 prompts come at once: more than five wait at the looks at 1 and 2 s,
 * and the caches of those that decode are next to empty. One that decodes has nothing to end: it
 * closes at 2 s, and prefills from 5 s on. GPUs are its prefilling half's from 2 s to the end. */
START_TEST(a_move)
{
    struct played played = play_prompts("", 0.0, LOAD);
    double end = played.end_seconds;
    ck_assert_uint_eq(played.metrics.completed, 81);
    ck_assert_uint_eq(played.metrics.phase_moves, 1);
    ck_assert_double_eq_tol(played.metrics.phase_move_seconds, 3.0, 1e-9);
    ck_assert_double_eq_tol(played.metrics.prefill_replicas * end, end + end - 2.0, 1e-6);
    ck_assert_double_eq_tol(played.metrics.replicas, 3.0, 1e-9);
}
END_TEST

/* Each of the two that decode has an answer under way when the prompts come, at 10 s. At 12 s one
 * is told to leave; it ends its answer, closes at the first look after that, and opens 3 s later.
 */
START_TEST(who_has_answers_ends_them)
{
    struct played played = play_prompts("0,128,4000\n0,128,4000\n", 10.0, LOAD);
    double answered = played.metrics.latencies[LATENCY_E2E].max;
    printf("answered after %.3f s, a move of %.3f s\n", answered,
           played.metrics.phase_move_seconds);
    ck_assert_double_gt(answered, 13.0);
    ck_assert_uint_eq(played.metrics.phase_moves, 1);
    ck_assert_double_eq_tol(played.metrics.phase_move_seconds, ceil(answered) - 12.0 + 3.0, 1e-6);
}
END_TEST

/* Thresholds that nothing passes change nothing. */
START_TEST(all_stay)
{
    static const char *const ways[] = {
        "workload.service.switching=none",
        "workload.service.switching={policy: load, waiting_high: 1e9, cache_high: 1}",
        "workload.service.switching={policy: demand, within: 1e6 s, cache_high: 1}"};
    double mean = 0.0, joules = 0.0;
    for (size_t i = 0; i < 3; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){"workload.service.policy=disaggregated",
                                         "workload.service.prefill_replicas=1", "layout.data=3",
                                         "workload.requests=500", "workload.arrivals.rate=20 /s",
                                         ways[i], NULL});
        mean = i == 0 ? played.metrics.latencies[LATENCY_E2E].mean : mean;
        joules = i == 0 ? played.metrics.joules : joules;
        ck_assert_uint_eq(played.metrics.phase_moves, 0);
        ck_assert_double_eq(played.metrics.latencies[LATENCY_E2E].mean, mean);
        ck_assert_double_eq_tol(played.metrics.joules / joules, 1.0, 1e-9);
    }
}
END_TEST

/* Moves all the time, with caches that are nearly full: everybody is answered, and no cache is on
 * the way twice. */
START_TEST(they_move_everywhere)
{
    for (int seed = 1; seed <= 6; seed++) {
        char says_seed[32];
        snprintf(says_seed, sizeof says_seed, "seed=%d", seed);
        struct played played = play_serving(
            SMALL,
            (const char *const[]){
                "workload.service={policy: disaggregated, prefill_replicas: 2, switching: {policy: "
                "demand, look: 0.1 s, interval: 0.2 s, within: 0.1 s, switch: 0.1 s}}",
                "layout.data=4", "memory.fraction=0.25", says_seed, "workload.requests=600",
                "workload.arrivals={kind: burst, size: 100, period: 20 s}",
                "workload.lengths={prompt: {kind: uniform, least: 100 tokens, most: 3000 tokens}, "
                "output: {kind: exponential, mean: 200}}",
                NULL});
        printf("seed %d: %llu moves\n", seed, (unsigned long long)played.metrics.phase_moves);
        ck_assert_uint_eq(played.metrics.completed, 600);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_ge(played.metrics.phase_moves, 4);
        ck_assert_double_eq_tol(played.metrics.replicas, 4.0, 1e-9);
    }
}
END_TEST

/* docs/serving.md's table: the mean of all, and that moving is worse in the tail than three of
 * eight that always prefill. */
START_TEST(table)
{
    static const struct {
        const char *first, *second;
        double mean, tail;
    } rows[] = {
        {"workload.service.switching=none", "workload.service.prefill_replicas=2", 28.7, 65.5},
        {"workload.service.switching=none", "workload.service.prefill_replicas=3", 28.6, 59.0},
        {"workload.service.switching=none", "workload.service.prefill_replicas=4", 31.4, 69.4},
        {"workload.service.prefill_replicas=4", "seed=0", 24.5, 69.2},
        {"workload.service.switching.switch=10 s", "seed=0", 36.4, 106.0},
        {"workload.service.switching.switch=30 s", "seed=0", 49.3, 109.0},
        {"workload.service.switching={policy: load}", "seed=0", 62.9, 197.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played =
            play_serving(SCENARIO, (const char *const[]){rows[i].first, rows[i].second, NULL});
        const struct latency_summary *all = &played.metrics.latencies[LATENCY_E2E];
        printf("%s %s: %.3f s, p99 %.3f s, %llu moves of %.2f s\n", rows[i].first, rows[i].second,
               all->mean, all->p99, (unsigned long long)played.metrics.phase_moves,
               played.metrics.phase_move_seconds);
        ck_assert_double_eq_tol(all->mean / rows[i].mean, 1.0, 0.03);
        ck_assert_double_eq_tol(all->p99 / rows[i].tail, 1.0, 0.03);
    }
}
END_TEST

RUN_TESTS(serving_switching, by_load, by_demand, a_move, who_has_answers_ends_them, all_stay,
          they_move_everywhere, table)
