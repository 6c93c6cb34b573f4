/* SPDX-License-Identifier: MIT
 * Routers that predict (sim/serving/replica/router_predicted.c). */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static struct played play_table(const char *rows, const char *router)
{
    char path[] = "/tmp/cpsim-routers-XXXXXX", arrivals[128];
    write_table(path, rows);
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, format: csv, file: '%s'}",
             path);
    struct played played =
        play_serving(SMALL, (const char *const[]){arrivals, "layout.data=2", router, NULL});
    remove(path);
    return played;
}

/* A prompt of 30,000 tokens on one replica takes about a second; on the other somebody decodes.
 * Both have one request. Who comes then is sent to the first by the count, and waits for that
 * prompt; the one that predicts sends it to the other. The median of the three is its TTFT. */
START_TEST(prompts_count)
{
    const char *rows = "arrival_seconds,prompt_tokens,output_tokens\n"
                       "0,30000,2\n0.01,16,400\n0.1,16,20\n";
    double counted = play_table(rows, "workload.service.router=least-outstanding")
                         .metrics.latencies[LATENCY_TTFT]
                         .p50;
    double predicted = play_table(rows, "workload.service.router=predicted-completion")
                           .metrics.latencies[LATENCY_TTFT]
                           .p50;
    printf("TTFT %.3f s by the count, %.3f s predicted\n", counted, predicted);
    ck_assert_double_gt(counted, 0.5);
    ck_assert_double_lt(predicted, 0.1);
}
END_TEST

/* Two decode, the first for 2,000 tokens and the second for 200 more; who comes has 1,000. On the
 * first all of its steps have two, on the second 200 of them. With steps of t(1) and t(2) seconds
 * those there and the newcomer lose 1,000 (t(2) - t(1)) each on the first, 200 on the second: the
 * three E2E differ by 1,600 (t(2) - t(1)) in all. The count, and who knows no lengths, take the
 * first. */
START_TEST(lengths_count_for_who_knows_them)
{
    const char *rows = "arrival_seconds,prompt_tokens,output_tokens\n"
                       "0,16,2000\n0.01,16,200\n0.1,16,1000\n";
    double known =
        play_table(rows, "workload.service.router=oracle").metrics.latencies[LATENCY_E2E].mean;
    double unknown = play_table(rows, "workload.service.router=predicted-completion")
                         .metrics.latencies[LATENCY_E2E]
                         .mean;
    double counted = play_table(rows, "workload.service.router=least-outstanding")
                         .metrics.latencies[LATENCY_E2E]
                         .mean;
    printf("E2E %.4f s known, %.4f s not, %.4f s counted\n", known, unknown, counted);
    ck_assert_double_lt(known, counted - 0.005);
    ck_assert_double_eq_tol(unknown, counted, 1e-9);
}
END_TEST

/* docs/serving.md's table: means to 3 %, goodput to 4 %, and the order of the means, of which two
 * are alike to half a per cent. */
START_TEST(regret)
{
    static const struct {
        const char *router;
        double mean, goodput;
        double most; /* of the mean over that of the row before */
    } rows[] = {
        {"workload.service.router=round-robin", 4.34, 38.0, 1.0},
        {"workload.service.router=least-outstanding", 4.11, 40.7, 1.0},
        {"workload.service.router=prefix-aware", 4.11, 40.4, 1.005},
        {"workload.service.router=predicted-completion", 4.06, 39.4, 1.0},
        {"workload.service.router=oracle", 4.05, 40.2, 1.0},
    };
    double before = INFINITY;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played = play_serving(CPSIM_SOURCE_DIR "/scenarios/serving-routers.yaml",
                                            (const char *const[]){rows[i].router, NULL});
        double mean = played.metrics.latencies[LATENCY_E2E].mean;
        printf("%s: %.3f s, %.2f /s\n", rows[i].router, mean, played.metrics.goodput);
        ck_assert_double_eq_tol(mean / rows[i].mean, 1.0, 0.03);
        ck_assert_double_eq_tol(played.metrics.goodput / rows[i].goodput, 1.0, 0.04);
        ck_assert_double_lt(mean, rows[i].most * before);
        before = mean;
    }
}
END_TEST

/* Pools, SGLang's scheduler with lists of its own, pipelines, a replica that fails: all are
 * answered.
 */
START_TEST(they_route_everywhere)
{
    static const char *const ways[][3] = {
        {"workload.service.policy=disaggregated", "workload.service.prefill_replicas=2",
         "layout.data=4"},
        {"software=sglang", "workload.service.max_sequences=8", "layout.data=2"},
        {"layout.pipeline=2", "workload.service.max_sequences=8", "layout.data=2"},
        {"workload.faults=[{kind: replica, replica: 0, at: 2 s, duration: 5 s}]",
         "workload.service.max_sequences=8", "layout.data=2"},
    };
    static const char *const routers[] = {"workload.service.router=predicted-completion",
                                          "workload.service.router=oracle"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (size_t j = 0; j < sizeof routers / sizeof *routers; j++) {
            struct played played = play_serving(
                SMALL, (const char *const[]){ways[i][0], ways[i][1], ways[i][2], routers[j],
                                             "workload.arrivals.rate=30 /s",
                                             "workload.requests=500", NULL});
            ck_assert_uint_eq(played.metrics.completed, 500);
            ck_assert_uint_eq(played.out_of_order, 0);
        }
    }
}
END_TEST

RUN_TESTS(serving_routers, prompts_count, lengths_count_for_who_knows_them, regret,
          they_route_everywhere)
