/* SPDX-License-Identifier: MIT
 * Replicas that come and go with the load (sim/serving/replica/scaling.c). */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-scale-to-zero.yaml"

static struct played play_table(const char *rows, const char *data, const char *scaling)
{
    char path[] = "/tmp/cpsim-scaling-XXXXXX", arrivals[128];
    write_table(path, rows);
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, format: csv, file: '%s'}",
             path);
    struct played played = play_serving(SMALL, (const char *const[]){arrivals, data, scaling,
                                                                     "cluster.storage_rate=4 GB/s",
                                                                     "workload.price=1", NULL});
    remove(path);
    return played;
}

/* Nobody serves when one comes at 0 s: it waits for 5 s and its weights at 4 GB/s, and then as long
 * as where one serves all the time. */
START_TEST(a_cold_start)
{
    const char *rows = "arrival_seconds,prompt_tokens,output_tokens\n0,128,64\n";
    struct played cold = play_table(rows, "layout.data=1",
                                    "workload.service.scaling={target: 4, least: 0, start: 5 s}");
    struct played warm =
        play_table(rows, "layout.data=1", "workload.service.scaling={target: 4, start: 5 s}");
    double start = 5.0 + cold.metrics.memory.weight_bytes / 4e9;
    printf("starts in %.3f s\n", start);
    ck_assert_double_gt(start, 9.0); /* 16.06 GB of bf16 */
    ck_assert_uint_eq(cold.metrics.cold_starts, 1);
    ck_assert_uint_eq(warm.metrics.cold_starts, 0);
    ck_assert_double_eq_tol(cold.metrics.cold_start_seconds, start, 1e-9);
    ck_assert_double_eq_tol(cold.metrics.latencies[LATENCY_TTFT].mean,
                            start + warm.metrics.latencies[LATENCY_TTFT].mean, 1e-9);
}
END_TEST

/* The first starts as its request comes (some 5 ms after 0 s, the engine's front end), the second
 * at the look at 1 s, t later. Alone the W bytes take w seconds. The first reads t alone and shares
 * for 2 (w - t): 2 w - t. The second has w - t by then, and reads the rest alone: 2 (w - t) + t. */
START_TEST(the_storage_is_shared)
{
    const char *rows = "arrival_seconds,prompt_tokens,output_tokens\n"
                       "0,128,2000\n0,128,2000\n";
    struct played played =
        play_table(rows, "layout.data=2",
                   "workload.service.scaling={target: 1, least: 0, interval: 1 s, up_delay: 0 s}");
    double bytes = played.metrics.memory.weight_bytes / 4e9, later = 1.0;
    ck_assert_uint_eq(played.metrics.cold_starts, 2);
    ck_assert_double_eq_tol(played.metrics.cold_start_seconds, 2.0 * bytes - later, 0.01);
}
END_TEST

/* One of two stays. 12 come at once, at most four for each: three are wanted, two there are, and
 * after two looks, at 10 and 20 s, it starts. Its weights take W / 4 GB/s. When all are answered,
 * at t, one is wanted; at the looks after that, it goes when that has been so for 20 s. GPUs are
 * held by one all the time and by the other from 20 s until then. */
START_TEST(gpus_that_are_held)
{
    static const char *const three = "0,128,4000\n0,128,4000\n0,128,4000\n";
    char rows[1024];
    snprintf(rows, sizeof rows, "arrival_seconds,prompt_tokens,output_tokens\n%s%s%s%s200,128,64\n",
             three, three, three, three);
    struct played played = play_table(
        rows, "layout.data=2",
        "workload.service.scaling={target: 4, interval: 10 s, up_delay: 10 s, down_delay: 20 s}");
    double end = played.end_seconds;
    ck_assert_uint_eq(played.metrics.cold_starts, 1);
    double held = (played.metrics.replicas - 1.0) * end; /* by the second */
    double gone = 20.0 + held;
    printf("held until %.2f s of %.2f s\n", gone, end);
    ck_assert_double_eq_tol(gone, 10.0 * round(gone / 10.0), 1e-6); /* a look */
    double answered = played.metrics.latencies[LATENCY_E2E].max;
    ck_assert_double_ge(gone, answered + 20.0);
    ck_assert_double_le(gone, answered + 40.0);
    double dollars = (end + held) / 3600.0 / ((double)played.answers * 1e-6);
    ck_assert_double_eq_tol(played.metrics.dollars_per_million_tokens, dollars, 1e-9 * dollars);
}
END_TEST

/* With as many that stay as there are nothing else changes. */
START_TEST(all_stay)
{
    static const char *const load[] = {"workload.arrivals.rate=20 /s", "workload.requests=500"};
    struct played plain =
        play_serving(SMALL, (const char *const[]){load[0], load[1], "layout.data=2", NULL});
    struct played scaled = play_serving(
        SMALL,
        (const char *const[]){load[0], load[1], "layout.data=2", "cluster.storage_rate=4 GB/s",
                              "workload.service.scaling={target: 4, least: 2}", NULL});
    ck_assert_double_eq(plain.metrics.latencies[LATENCY_E2E].mean,
                        scaled.metrics.latencies[LATENCY_E2E].mean);
    ck_assert_double_eq(plain.metrics.joules, scaled.metrics.joules);
    ck_assert_double_eq(scaled.metrics.replicas, 2.0);
}
END_TEST

/* docs/serving.md's table: nobody between bursts costs a cold start and saves most of the GPUs. */
START_TEST(table)
{
    static const struct {
        const char *scaling;
        double ttft, dollars;
    } rows[] = {
        {"workload.service.scaling.least=0", 25.5, 3.50},
        {"workload.service.scaling.least=1", 2.23, 12.41},
        {"workload.service.scaling.least=4", 0.595, 49.6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played = play_serving(SCENARIO, (const char *const[]){rows[i].scaling, NULL});
        double ttft = played.metrics.latencies[LATENCY_TTFT].p50;
        double dollars = played.metrics.dollars_per_million_tokens;
        printf("%s: TTFT %.3f s, $%.2f, %.2f replicas\n", rows[i].scaling, ttft, dollars,
               played.metrics.replicas);
        ck_assert_double_eq_tol(ttft / rows[i].ttft, 1.0, 0.05);
        ck_assert_double_eq_tol(dollars / rows[i].dollars, 1.0, 0.05);
    }
}
END_TEST

/* Faults strike who serves, who starts and who is gone; clients give up; routers of each kind,
 * SGLang's scheduler, pipelines: all are answered. */
START_TEST(they_come_and_go_everywhere)
{
    static const char *const ways[][2] = {
        {"workload.faults=[{kind: replica, replica: 0, at: 3 s, duration: 50 s}, {kind: replica, "
         "replica: 1, at: 1 s, duration: 5 s}]",
         "layout.data=3"},
        {"software=sglang", "layout.data=3"},
        {"layout.pipeline=2", "layout.data=2"},
        {"workload.service.router=predicted-completion", "layout.data=3"},
        {"workload.service.router=prefix-aware", "layout.data=3"},
        {"workload.service.router=round-robin", "layout.data=3"},
        {"workload.timeout=20 s", "layout.data=3"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct played played = play_serving(
            SMALL,
            (const char *const[]){
                ways[i][0], ways[i][1], "cluster.storage_rate=4 GB/s",
                "workload.service.scaling={target: 6, least: 0, interval: 1 s, up_delay: 2 s, "
                "down_delay: 3 s, start: 2 s}",
                "workload.arrivals={kind: burst, size: 60, period: 60 s}", "workload.requests=240",
                NULL});
        ck_assert_uint_eq(played.metrics.completed, 240);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_double_lt(played.metrics.replicas, 3.0);
        ck_assert_uint_ge(played.metrics.cold_starts, 4);
    }
}
END_TEST

RUN_TESTS(serving_scaling, a_cold_start, the_storage_is_shared, gpus_that_are_held, all_stay, table,
          they_come_and_go_everywhere)
