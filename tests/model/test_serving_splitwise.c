/* SPDX-License-Identifier: MIT
 * Phases on GPUs of two kinds: docs/serving.md's table (scenarios/serving-splitwise.yaml). */
#include "run_tests.h"
#include "serving_play.h"

#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-splitwise.yaml"

static struct played play_pools(const char *a, const char *b)
{
    return play_serving(SCENARIO, (const char *const[]){"workload.requests=1500", a, b, NULL});
}

/* Answers need bandwidth and prompts compute: A100s answer slower and at once, a cap of power is
 * felt by prompts alone. */
START_TEST(table)
{
    struct played alike = play_pools("seed=0", "seed=0");
    struct played older =
        play_pools("pools.decode.gpu=a100-sxm", "pools.decode.cluster={use: dgx-a100, nodes: 2}");
    struct played capped =
        play_pools("pools.decode.gpu={use: h100-sxm, power_limit: 350 W}", "seed=0");
    struct played wrong =
        play_pools("pools.prefill.gpu={use: h100-sxm, power_limit: 350 W}", "seed=0");
    const struct played *all[] = {&alike, &older, &capped, &wrong};
    for (int i = 0; i < 4; i++) {
        const struct serving_metrics *of = &all[i]->metrics;
        printf("TTFT %.1f ms, TPOT %.2f ms, p99 %.2f, %.3f J a token, %.0f W, within %.3f\n",
               of->latencies[LATENCY_TTFT].p50 * 1e3, of->latencies[LATENCY_TPOT].p50 * 1e3,
               of->latencies[LATENCY_TPOT].p99 * 1e3, of->joules_per_token, of->watts_per_gpu,
               of->good_share);
    }
    double tpot = alike.metrics.latencies[LATENCY_TPOT].p50;
    double ttft = alike.metrics.latencies[LATENCY_TTFT].p50;
    ck_assert_double_gt(older.metrics.latencies[LATENCY_TPOT].p50, 1.3 * tpot);
    ck_assert_double_lt(older.metrics.latencies[LATENCY_TPOT].p50, 2.2 * tpot);
    ck_assert_double_lt(older.metrics.latencies[LATENCY_TTFT].p50, 1.1 * ttft);
    ck_assert_double_gt(older.metrics.good_share, 0.99);
    ck_assert_double_lt(capped.metrics.latencies[LATENCY_TPOT].p50, 1.03 * tpot);
    ck_assert_double_gt(wrong.metrics.latencies[LATENCY_TTFT].p50, 1.2 * ttft);
}
END_TEST

RUN_TESTS(serving_splitwise, table)
