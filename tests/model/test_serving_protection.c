/* SPDX-License-Identifier: MIT
 * A service whose caches outlive a GPU: one request of 8192 tokens on two GPUs, one of which fails
 * while the request is answered. A recovery that starts over, that costs nothing, or that a failure
 * of the whole replica gets too, shows here. */
#include "run_tests.h"
#include "serving_play.h"

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define ONE                                                                                        \
    "layout.tensor=2", "workload.requests=1", "workload.arrivals={kind: closed-loop, clients: 1}", \
        "workload.lengths={prompt: {kind: fixed, tokens: 8192 tokens}, output: {kind: fixed, "     \
        "tokens: 300 tokens}}",                                                                    \
        "cluster.host_rate=50 GB/s"
#define GPU_FAILS "workload.faults=[{kind: gpu-down, gpu: 1, at: 1 s, duration: 2 s}]"
#define REPLICA_FAILS "workload.faults=[{kind: replica, replica: 0, at: 1 s, duration: 2 s}]"
#define COPY "workload.service.protection=copy"
#define PARITY "workload.service.protection=parity"

static double e2e(const struct played *played)
{
    return played->metrics.latencies[LATENCY_E2E].mean;
}

/* Four chunks of 2048 tokens are safe; half of 8192 x 128 KiB comes back in 10.74 ms. The request
 * loses these, the two seconds without the GPU and the tokens after the last chunk; its prompt is
 * not computed again, nor its answer given again. */
START_TEST(a_request_goes_on)
{
    struct played sound = play_serving(SMALL, (const char *const[]){ONE, NULL});
    struct played none = play_serving(SMALL, (const char *const[]){ONE, GPU_FAILS, NULL});
    struct played copy = play_serving(SMALL, (const char *const[]){ONE, GPU_FAILS, COPY, NULL});
    double seconds = 8192 * 65536.0 / 50e9, lost = e2e(&copy) - e2e(&sound);
    printf("E2E %.3f s, with a failure %.3f s, from a copy %.3f s; lost %.4f s\n", e2e(&sound),
           e2e(&none), e2e(&copy), lost);
    ck_assert_uint_eq(copy.metrics.recovered, 1);
    ck_assert_uint_eq(copy.metrics.recovered_tokens, 8192);
    ck_assert_double_eq_tol(copy.metrics.recovery_seconds, seconds, 1e-9);
    ck_assert_uint_eq(copy.metrics.retries, 0);
    ck_assert_uint_eq(none.metrics.retries, 1);
    ck_assert_double_gt(lost, 2.0 + seconds);
    ck_assert_double_lt(lost, 2.0 + seconds + 0.05);
    ck_assert_double_gt(e2e(&none), e2e(&copy) + 0.8); /* all of the second that it had */
    ck_assert_uint_eq(copy.free_pages, copy.kv_pages);
}
END_TEST

/* Of parity one shard goes to the host for two GPUs', and the other GPU's comes over NVLink. */
START_TEST(parity_takes_longer_and_less)
{
    struct played copy = play_serving(SMALL, (const char *const[]){ONE, GPU_FAILS, COPY, NULL});
    struct played parity = play_serving(
        SMALL, (const char *const[]){ONE, GPU_FAILS, PARITY, "cluster.node_rate=450 GB/s", NULL});
    double shard = 8192 * 65536.0;
    ck_assert_uint_eq(parity.metrics.recovered, 1);
    ck_assert_double_eq(parity.metrics.protection_host_share, 0.5);
    ck_assert_double_gt(parity.metrics.recovery_seconds,
                        copy.metrics.recovery_seconds + shard / 450e9 + 3.0 * shard / 3.4e12);
    ck_assert_double_lt(parity.metrics.recovery_seconds,
                        copy.metrics.recovery_seconds + shard / 450e9 + 3.0 * shard / 2e12);
}
END_TEST

START_TEST(a_whole_replica_takes_them_along)
{
    struct played played =
        play_serving(SMALL, (const char *const[]){ONE, REPLICA_FAILS, PARITY, NULL});
    ck_assert_uint_eq(played.metrics.recovered, 0);
    ck_assert_uint_eq(played.metrics.retries, 1);
    ck_assert_uint_eq(played.metrics.completed, 1);
}
END_TEST

/* It fails again while the cache is on its way: the request begins again, once. */
START_TEST(a_second_failure)
{
    struct played played = play_serving(
        SMALL, (const char *const[]){ONE, COPY,
                                     "workload.faults=[{kind: gpu-down, gpu: 1, at: 1 s, duration: "
                                     "2 s}, {kind: gpu-down, gpu: 0, at: 3.005 s, duration: 1 s}]",
                                     NULL});
    ck_assert_uint_eq(played.metrics.recovered, 1);
    ck_assert_uint_eq(played.metrics.retries, 1);
    ck_assert_uint_eq(played.metrics.completed, 1);
    ck_assert_uint_eq(played.free_pages, played.kv_pages);
}
END_TEST

RUN_TESTS(serving_protection, a_request_goes_on, parity_takes_longer_and_less,
          a_whole_replica_takes_them_along, a_second_failure)
