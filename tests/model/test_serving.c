/* SPDX-License-Identifier: MIT
 * Services whose answer is known: queues of textbooks, laws of conservation, and what must not
 * depend on how it is played. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/numeric/random.h"

#include <math.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static double queue_mean(const struct played *played)
{
    return played->metrics.latencies[LATENCY_QUEUE].mean;
}

/* Pollaczek and Khinchine: a single server with Poisson arrivals waits rate E[S^2] / 2 (1 - load).
 * S is measured from the run, so only the waiting is at stake. `spread`: what sampling leaves. */
static void expect_waiting(const char *const *overrides, double rate, double spread)
{
    struct played played = play_serving(SMALL, overrides);
    double load = rate * played.served_mean;
    double expected = rate * played.served_square_mean / (2.0 * (1.0 - load));
    printf("load %.3f: waits %.4f s, Pollaczek-Khinchine %.4f s (%+.1f %%)\n", load,
           queue_mean(&played), expected, 100.0 * (queue_mean(&played) / expected - 1.0));
    ck_assert_double_eq_tol(queue_mean(&played) / expected, 1.0, spread);
}

/* One request at a time, all alike: M/D/1. A single service takes some 0.42 s. 20,000 requests at
 * load 0.6 give the mean wait to about 3 %. */
START_TEST(constant_service_is_m_d_1)
{
    expect_waiting((const char *const[]){"workload.service.max_sequences=1",
                                         "workload.arrivals.rate=1.4 /s", NULL},
                   1.4, 0.06);
}
END_TEST

/* Exponential answers and a short prompt: M/M/1, but for the prompt's own time. */
START_TEST(exponential_service_is_m_m_1)
{
    const char *const overrides[] = {"workload.service.max_sequences=1",
                                     "workload.arrivals.rate=1.4 /s",
                                     "workload.lengths.prompt={kind: fixed, tokens: 1 tokens}",
                                     "workload.lengths.output={kind: exponential, mean: 64}", NULL};
    expect_waiting(overrides, 1.4, 0.12);
    /* ... and its own formula, W = load / (1 - load) E[S], within the same error. */
    struct played played = play_serving(SMALL, overrides);
    double load = 1.4 * played.served_mean;
    double expected = load / (1.0 - load) * played.served_mean;
    printf("M/M/1 itself: %.4f s, waits %.4f s\n", expected, queue_mean(&played));
    ck_assert_double_eq_tol(queue_mean(&played) / expected, 1.0, 0.15);
}
END_TEST

/* Little: what is in the system on average is the rate times the time spent there. The rate here is
 * that of the run itself, so it holds but for the clients' way in and out. */
START_TEST(little_s_law)
{
    struct played played = play_serving(SMALL, (const char *const[]){"workload.arrivals.rate=20 /s",
                                                                     "workload.requests=5000",
                                                                     "software.request=0 s", NULL});
    double rate = (double)played.metrics.completed / played.end_seconds;
    double expected = rate * played.metrics.latencies[LATENCY_E2E].mean;
    ck_assert_double_eq_tol(played.outstanding_mean / expected, 1.0, 1e-6);
    ck_assert_double_gt(played.metrics.mean_batch, 1.0);
}
END_TEST

/* All that was asked is computed, once, and answered. */
static void expect_conservation(const struct played *played, uint32_t replicas, bool exactly)
{
    ck_assert_uint_eq(played->metrics.completed + played->metrics.rejected + played->metrics.lost,
                      played->metrics.requests);
    ck_assert_uint_eq(played->out_of_order, 0);
    ck_assert_uint_eq(played->over_full, 0);
    ck_assert_uint_eq(played->free_pages, replicas * played->kv_pages);
    if (exactly) {
        ck_assert_uint_eq(played->computed, played->prompts);
        ck_assert_uint_eq(played->decoded, played->answers - played->metrics.completed);
    } else {
        ck_assert_uint_ge(played->computed + played->decoded + played->metrics.completed,
                          played->answers);
    }
}

START_TEST(tokens_in_are_tokens_out)
{
    static const char *const policies[] = {"chunked-prefill", "prefill-first", "static"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        char policy[64];
        snprintf(policy, sizeof policy, "workload.service.policy=%s", policies[i]);
        struct played played = play_serving(
            SMALL,
            (const char *const[]){policy, "workload.arrivals.rate=30 /s", "workload.requests=2000",
                                  "workload.lengths.prompt={kind: lognormal, mean: 700, "
                                  "variation: 1.5}",
                                  "workload.lengths.output={kind: uniform, least: 1 tokens, "
                                  "most: 200 tokens}",
                                  NULL});
        printf("%-16s TTFT %.3f s TPOT %.4f s\n", policies[i],
               played.metrics.latencies[LATENCY_TTFT].mean,
               played.metrics.latencies[LATENCY_TPOT].mean);
        expect_conservation(&played, 1, true);
    }
}
END_TEST

/* Two replicas apart: each prompt's KV cache crosses the network once. 8B in bf16: 128 KiB a token.
 * Prompts of 128 tokens, 500 of them: 500 x 128 x 131072 B. */
START_TEST(caches_move_between_pools)
{
    const char *overrides[] = {"workload.service.policy=disaggregated",
                               "workload.service.prefill_replicas=1",
                               "layout.data=2",
                               "workload.arrivals.rate=20 /s",
                               "workload.requests=500",
                               "detail=folded",
                               NULL};
    struct played folded = play_serving(SMALL, overrides);
    expect_conservation(&folded, 2, true);
    ck_assert_double_eq_tol(folded.metrics.moved_bytes, 500.0 * 128.0 * 131072.0, 1.0);
    overrides[5] = "detail=full";
    struct played full = play_serving(SMALL, overrides);
    ck_assert_double_eq_tol(full.end_seconds, folded.end_seconds, 1e-9 * full.end_seconds);
}
END_TEST

/* A cache on its way shares the card with others. One request of 8,192 tokens, 8B on TP8: each GPU
 * sends 8192 x 16 KiB = 134 MB from node 0 to node 1 at 50 GB/s (400 Gb/s), 2.68 ms; beside an
 * endless stream out of GPU 0 its flow gets half the card and takes as long again. */
START_TEST(caches_contend_for_the_network)
{
    const char *overrides[] = {"cluster.nodes=2",
                               "layout={tensor: 8, data: 2}",
                               "workload.service.policy=disaggregated",
                               "workload.service.prefill_replicas=1",
                               "workload.lengths.prompt.tokens=8192 tokens",
                               "workload.requests=1",
                               "cluster.nic_rate=400 Gb/s",
                               "cluster.connection_rate=400 Gb/s",
                               NULL,
                               NULL};
    struct played alone = play_serving(SMALL, overrides);
    overrides[8] = "background=[{from: 0, to: 8, bytes: 1 GB, count: 100000}]";
    struct played beside = play_serving(SMALL, overrides);
    double later =
        beside.metrics.latencies[LATENCY_E2E].mean - alone.metrics.latencies[LATENCY_E2E].mean;
    ck_assert_double_eq_tol(later, 8192.0 * 16384.0 / 50e9, 1e-6);
    /* What it says of itself: alone the bytes and the way through the fabric; it waits for nobody.
     */
    ck_assert_double_eq_tol(alone.metrics.move_seconds, 8192.0 * 16384.0 / 50e9, 2e-5);
    ck_assert_double_eq_tol(beside.metrics.move_seconds - alone.metrics.move_seconds, later, 1e-6);
    ck_assert_double_le(alone.metrics.room_seconds, 1e-3);
    ck_assert_double_eq_tol(beside.metrics.latencies[LATENCY_TTFT].mean,
                            alone.metrics.latencies[LATENCY_TTFT].mean, 1e-12);
}
END_TEST

/* The same cache alone, moved layer by layer beside a prefill that lasts longer than it takes: the
 * last of the 32 layers is what is left to send. */
START_TEST(caches_move_beside_their_prefill)
{
    const char *overrides[] = {"cluster.nodes=2",
                               "layout={tensor: 8, data: 2}",
                               "workload.service.policy=disaggregated",
                               "workload.service.prefill_replicas=1",
                               "workload.lengths.prompt.tokens=8192 tokens",
                               "workload.requests=1",
                               "cluster.nic_rate=400 Gb/s",
                               "cluster.connection_rate=400 Gb/s",
                               NULL,
                               NULL};
    struct played after = play_serving(SMALL, overrides);
    overrides[8] = "workload.service.kv_transfer=by-layer";
    struct played beside = play_serving(SMALL, overrides);
    double sooner =
        after.metrics.latencies[LATENCY_E2E].mean - beside.metrics.latencies[LATENCY_E2E].mean;
    ck_assert_double_eq_tol(sooner, 8192.0 * 16384.0 / 50e9 * 31.0 / 32.0, 1e-6);
    ck_assert_double_eq(beside.metrics.moved_bytes, after.metrics.moved_bytes);
}
END_TEST

/* A request that gives way to others goes to its hosts and comes back, each way at PCIe's rate. */
START_TEST(swapped_caches_go_and_come)
{
    const char *overrides[] = {"memory.fraction=0.27",
                               "workload.service.preemption=swap",
                               "workload.arrivals.rate=40 /s",
                               "workload.lengths.output.tokens=1000 tokens",
                               "workload.requests=200",
                               "workload.service.prefix_cache=false",
                               NULL,
                               NULL};
    struct played swapped = play_serving(SMALL, overrides);
    ck_assert_uint_gt(swapped.metrics.preemptions, 0);
    ck_assert_double_gt(swapped.metrics.swapped_bytes, 0.0);
    /* Whole tokens of 128 KiB, each out and in. */
    double tokens = swapped.metrics.swapped_bytes / 131072.0;
    ck_assert_double_eq_tol(tokens, 2.0 * round(tokens / 2.0), 1e-6);
    expect_conservation(&swapped, 1, false);
    overrides[6] = "cluster.host_rate=5 GB/s";
    struct played slower = play_serving(SMALL, overrides);
    ck_assert_double_gt(slower.end_seconds, swapped.end_seconds);
}
END_TEST

/* Random small services: nothing is lost, no cache overflows, every page comes back. Small caches
 * preempt, long prompts are rejected, sessions share pages. */
START_TEST(random_services_lose_nothing)
{
    struct random_stream random = random_open(7, "services");
    static const char *const policies[] = {"chunked-prefill", "prefill-first", "static",
                                           "disaggregated"};
    static const char *const routers[] = {"round-robin", "least-outstanding", "prefix-aware"};
    static const char *const arrivals[] = {
        "workload.arrivals={kind: poisson, rate: 40 /s}",
        "workload.arrivals={kind: gamma, rate: 20 /s, variation: 3}",
        "workload.arrivals={kind: burst, size: 30, period: 3 s}",
        "workload.arrivals={kind: closed-loop, clients: 40, think: 100 ms}",
        "workload.arrivals={kind: constant, rate: 50 /s}"};
    uint64_t preemptions = 0, rejected = 0, retries = 0;
    double hits = 0.0;
    for (int i = 0; i < 40; i++) {
        char seed[32], policy[64], router[64], fraction[64], budget[64], preemption[64];
        snprintf(seed, sizeof seed, "seed=%d", i);
        size_t which = random_between(&random, 0, 3);
        snprintf(policy, sizeof policy, "workload.service.policy=%s", policies[which]);
        const char *pools = which == 3 ? "workload.service.prefill_replicas=1"
                                       : "workload.service.prefill_replicas=0";
        snprintf(router, sizeof router, "workload.service.router=%s",
                 routers[random_between(&random, 0, 2)]);
        /* 16 GB of weights, 0.5 to 0.9 beside them: 17.2 to 21 of 85 GB leave 0.2 to 4 GB of KV
         * cache. */
        snprintf(fraction, sizeof fraction, "memory.fraction=%.3f",
                 0.203 + 0.045 * random_uniform(&random));
        snprintf(budget, sizeof budget, "workload.service.max_batched_tokens=%u tokens",
                 (unsigned)random_between(&random, 64, 2048));
        snprintf(preemption, sizeof preemption, "workload.service.preemption=%s",
                 random_uniform(&random) < 0.5 ? "swap" : "recompute");
        bool sessions = random_uniform(&random) < 0.5, faults = random_uniform(&random) < 0.3;
        struct played played = play_serving(
            SMALL,
            (const char *const[]){
                seed, policy, pools, router, fraction, budget, preemption, "layout.data=2",
                arrivals[random_between(&random, 0, 4)], "workload.requests=300",
                "workload.service.max_sequences=64",
                "workload.lengths.prompt={kind: lognormal, mean: 500, variation: 2}",
                "workload.lengths.output={kind: exponential, mean: 100}",
                sessions ? "workload.sessions={turns: 4, think: 500 ms}" : "seed=1",
                faults ? "workload.random_faults={mean_between: 5 s, repair: 1 s}" : "seed=2",
                NULL});
        preemptions += played.metrics.preemptions;
        rejected += played.metrics.rejected;
        retries += played.metrics.retries;
        hits += played.metrics.hit_share;
        expect_conservation(&played, 2, false);
    }
    printf("%llu preemptions, %llu rejected, %llu begun again\n", (unsigned long long)preemptions,
           (unsigned long long)rejected, (unsigned long long)retries);
    ck_assert_uint_gt(preemptions, 0);
    ck_assert_uint_gt(rejected, 0);
    ck_assert_uint_gt(retries, 0);
    ck_assert_double_gt(hits, 0.0);
}
END_TEST

/* A request every ten seconds for two replicas, which wait nearly all the time: an H100 that waits
 * draws 70 W or more, one that works no more than its limit of 700. */
START_TEST(who_waits_draws_power)
{
    const char *const overrides[] = {"layout.data=2",
                                     "workload.arrivals={kind: constant, rate: 0.1 /s}",
                                     "workload.requests=20", NULL};
    struct played played = play_serving(SMALL, overrides);
    double busy = played.metrics.busy_share;
    ck_assert_double_lt(busy, 0.05);
    ck_assert_double_ge(played.metrics.watts_per_gpu, 70.0);
    ck_assert_double_le(played.metrics.watts_per_gpu, 130.0 + busy * 700.0);
}
END_TEST

/* Without a warm-up every token of an answer counts once, the first too. */
START_TEST(rates_count_every_token)
{
    const char *const overrides[] = {"workload.requests=500", "workload.arrivals.rate=10 /s", NULL};
    struct played played = play_serving(SMALL, overrides);
    const struct serving_metrics *metrics = &played.metrics;
    ck_assert_double_eq_tol(metrics->output_tokens_per_second * metrics->seconds, 500.0 * 64.0,
                            1e-6);
    ck_assert_double_eq_tol(metrics->input_tokens_per_second * metrics->seconds, 500.0 * 128.0,
                            1e-6);
    ck_assert_double_eq_tol(metrics->requests_per_second * metrics->seconds, 500.0, 1e-9);
}
END_TEST

RUN_TESTS(serving, constant_service_is_m_d_1, exponential_service_is_m_m_1, little_s_law,
          tokens_in_are_tokens_out, caches_move_between_pools, caches_contend_for_the_network,
          caches_move_beside_their_prefill, swapped_caches_go_and_come,
          random_services_lose_nothing, who_waits_draws_power, rates_count_every_token)
