/* SPDX-License-Identifier: MIT
 * Pools that prefill and decode in layouts, on nodes and with settings of their own; ranks that
 * share experts among them, and what breaks there. Catches caches of the wrong size or on the wrong
 * links, settings of one pool in the other, and tokens lost between them. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>
#include <stdio.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define EXPERTS                                                                                    \
    "model=qwen3-30b-a3b", "precision=bf16", "cluster.nodes=2",                                    \
        "workload.lengths.prompt={kind: fixed, tokens: 256 tokens}",                               \
        "workload.lengths.output={kind: fixed, tokens: 33 tokens}"

static double mean(const struct played *played, enum latency latency)
{
    return played->metrics.latencies[latency].mean;
}

static void expect_all(const struct played *played, uint64_t requests)
{
    ck_assert_uint_eq(played->metrics.completed, requests);
    ck_assert_uint_eq(played->computed, played->prompts);
    ck_assert_uint_eq(played->decoded, played->answers - requests);
    ck_assert_uint_eq(played->out_of_order, 0);
    ck_assert_uint_eq(played->over_full, 0);
}

/* 8B: 8 KV heads, 128 KiB a token. Eight ranks prefill 8,192 tokens on node 0, four decode on node
 * 1: each gets its two heads, 8192 x 32 KiB = 268 MB, of two ranks through one card. At 400 Gb/s
 * that takes 5.37 ms, at 800 Gb/s half; nothing else crosses nodes. */
START_TEST(ranks_gather_their_heads)
{
    const char *sets[] = {"cluster.nodes=2",
                          "pools={prefill: {layout: {tensor: 8}}, decode: {layout: {tensor: 4}}}",
                          "workload.lengths.prompt.tokens=8192 tokens",
                          "workload.requests=1",
                          "cluster.nic_rate=400 Gb/s",
                          "cluster.connection_rate=400 Gb/s",
                          NULL};
    struct played slow = play_serving(SMALL, sets);
    sets[4] = "cluster.nic_rate=800 Gb/s";
    sets[5] = "cluster.connection_rate=800 Gb/s";
    struct played fast = play_serving(SMALL, sets);
    ck_assert_double_eq_tol(slow.metrics.moved_bytes, 8192.0 * 131072.0, 8.0);
    ck_assert_double_eq_tol(mean(&slow, LATENCY_E2E) - mean(&fast, LATENCY_E2E),
                            8192.0 * 32768.0 / 100e9, 1e-6);
    ck_assert_double_eq(mean(&slow, LATENCY_TTFT), mean(&fast, LATENCY_TTFT));
}
END_TEST

/* The same where those that decode have nodes of their own with cards of half the rate. */
START_TEST(nodes_of_their_own)
{
    const char *sets[] = {"pools={prefill: {layout: {tensor: 8}}, decode: {layout: {tensor: 8}, "
                          "cluster: {nodes: 1, nic_rate: 400 Gb/s, connection_rate: 400 Gb/s}}}",
                          "workload.lengths.prompt.tokens=8192 tokens",
                          "workload.requests=1",
                          "cluster.nic_rate=800 Gb/s",
                          "cluster.connection_rate=800 Gb/s",
                          NULL};
    struct played slow = play_serving(SMALL, sets);
    sets[0] = "pools={prefill: {layout: {tensor: 8}}, decode: {layout: {tensor: 8}, cluster: "
              "{nodes: 1}}}";
    struct played fast = play_serving(SMALL, sets);
    ck_assert_double_eq_tol(mean(&slow, LATENCY_E2E) - mean(&fast, LATENCY_E2E),
                            8192.0 * 16384.0 / 100e9, 1e-6);
}
END_TEST

/* An H200 decodes faster than an H100, and is no sooner with the first token. */
START_TEST(gpus_of_their_own)
{
    const char *sets[] = {"cluster.nodes=2", "workload.requests=1",
                          "pools={prefill: {}, decode: {gpu: h200-sxm}}", NULL};
    struct played h200 = play_serving(SMALL, sets);
    sets[2] = "pools={prefill: {}, decode: {}}";
    struct played h100 = play_serving(SMALL, sets);
    ck_assert_double_lt(mean(&h200, LATENCY_TPOT), 0.95 * mean(&h100, LATENCY_TPOT));
    ck_assert_double_eq(mean(&h200, LATENCY_TTFT), mean(&h100, LATENCY_TTFT));
    ck_assert_double_gt(h200.metrics.memory.kv_cache_bytes,
                        h100.metrics.memory.kv_cache_bytes + 40e9);
}
END_TEST

/* Prompts of 128 tokens, twenty at once. Two seats where they are decoded: ten rounds of 63 steps
 * and more where caches land in between; with twenty seats each round is for all. In a step that
 * prefills two prompts go in: ten such, and no more, whatever the other pool's limit. */
START_TEST(settings_of_their_own)
{
    const char *sets[] = {
        "pools={prefill: {service: {max_batched_tokens: 256 tokens, max_sequences: 100}}, decode: "
        "{service: {max_batched_tokens: 64 tokens, max_sequences: 2}}}",
        "workload.requests=20", "workload.arrivals={kind: at-once}", NULL};
    struct played two = play_serving(SMALL, sets);
    expect_all(&two, 20);
    ck_assert_uint_ge(two.metrics.steps, 10 + 10 * 63);
    ck_assert_uint_lt(two.metrics.steps, 10 + 12 * 63);
    sets[0] =
        "pools={prefill: {service: {max_batched_tokens: 256 tokens, max_sequences: 100}}, decode: "
        "{service: {max_batched_tokens: 64 tokens, max_sequences: 20}}}";
    struct played twenty = play_serving(SMALL, sets);
    expect_all(&twenty, 20);
    ck_assert_uint_lt(twenty.metrics.steps, 10 + 3 * 63);
}
END_TEST

/* Ranks with requests of their own on either side, in layouts of their own. Qwen3 30B keeps 96 KiB
 * a token (48 layers, 4 KV heads of 128, keys and values, bf16). */
START_TEST(experts_in_both_pools)
{
    const char *sets[] = {EXPERTS, "workload.requests=300", "workload.arrivals.rate=40 /s",
                          "pools={prefill: {layout: {tensor: 2, attention_data: 2, expert: 4}}, "
                          "decode: {layout: {attention_data: 8, expert: 8}}}",
                          NULL};
    struct played played = play_serving(SMALL, sets);
    expect_all(&played, 300);
    ck_assert_double_eq_tol(played.metrics.moved_bytes, 300.0 * 256.0 * 98304.0, 1e6);
}
END_TEST

/* Prompts in parts of 500 tokens that fill the cache of the one that prefills: some give way with
 * their first token under way. Their caches are gone, and their prompts are computed again. */
START_TEST(prompts_that_give_way)
{
    const char *sets[] = {
        "layout={data: 2}",
        "memory.fraction=0.25",
        "workload.requests=200",
        "workload.arrivals={kind: burst, size: 60, period: 2 s}",
        "workload.lengths={prompt: {kind: exponential, mean: 1900}, output: {kind: uniform, "
        "least: 60 tokens, most: 400 tokens}}",
        "workload.service={policy: disaggregated, prefill_replicas: 1, "
        "long_prefill_threshold: 500 tokens}",
        NULL};
    struct played played = play_serving(SMALL, sets);
    ck_assert_uint_eq(played.metrics.completed, 200);
    ck_assert_uint_eq(played.out_of_order, 0);
    ck_assert_uint_gt(played.metrics.preemptions, 20);
    ck_assert_uint_eq(played.free_pages, 2 * played.kv_pages);
}
END_TEST

/* Those that decode are two stages of a pipeline: all is answered, and the caches come whole. */
START_TEST(pipelines)
{
    const char *sets[] = {
        "workload.requests=500", "workload.arrivals.rate=20 /s",
        "pools={prefill: {layout: {tensor: 2, pipeline: 2}}, decode: {layout: {pipeline: 2}}}",
        NULL};
    struct played played = play_serving(SMALL, sets);
    expect_all(&played, 500);
    ck_assert_double_eq_tol(played.metrics.moved_bytes, 500.0 * 128.0 * 131072.0, 1e5);
}
END_TEST

/* Two replicas of four ranks that share experts: a fault of one takes its four ranks along, 5 s of
 * one replica down, what they had begins again, and all is answered. */
START_TEST(ranks_that_share_experts_fall_together)
{
    const char *sets[] = {EXPERTS,
                          "workload.requests=600",
                          "workload.arrivals.rate=60 /s",
                          "layout={attention_data: 4, expert: 4, data: 2}",
                          "workload.faults=[{kind: replica, replica: 1, at: 3 s, duration: 5 s}]",
                          NULL};
    struct played played = play_serving(SMALL, sets);
    ck_assert_uint_eq(played.metrics.completed, 600);
    ck_assert_uint_eq(played.metrics.faults, 1);
    ck_assert_double_eq_tol(played.metrics.down_seconds, 5.0, 1e-6);
    ck_assert_uint_gt(played.metrics.retries, 0);
    ck_assert_uint_eq(played.out_of_order, 0);
    ck_assert_uint_eq(played.free_pages, 8 * played.kv_pages);
}
END_TEST

/* One GPU of half the speed: all four ranks wait for it, step by step and in runs of steps. */
START_TEST(ranks_that_share_experts_wait_for_the_slowest)
{
    const char *sets[] = {EXPERTS, "workload.requests=1", "layout={attention_data: 4, expert: 4}",
                          NULL, NULL};
    struct played sound = play_serving(SMALL, sets);
    sets[7] = "workload.faults=[{kind: gpu, gpu: 3, factor: 2, at: 0 s, duration: 1000 s}]";
    struct played slow = play_serving(SMALL, sets);
    ck_assert_double_eq_tol(mean(&slow, LATENCY_TPOT) / mean(&sound, LATENCY_TPOT), 2.0, 1e-9);
}
END_TEST

/* Faults strike replicas of pools by their number over both: the second decodes here. */
START_TEST(replicas_count_over_pools)
{
    const char *sets[] = {
        "workload.requests=500", "workload.arrivals.rate=20 /s",
        "pools={prefill: {}, decode: {layout: {data: 2}}}",
        "workload.faults=[{kind: replica, replica: 1, at: 5 s, duration: 5 s}, {kind: slow, "
        "replica: 0, factor: 3, at: 0 s, duration: 1000 s}]",
        NULL};
    struct played played = play_serving(SMALL, sets);
    ck_assert_uint_eq(played.metrics.completed, 500);
    ck_assert_uint_eq(played.metrics.faults, 2);
    ck_assert_double_eq_tol(played.metrics.down_seconds, 5.0, 1e-6);
    ck_assert_uint_eq(played.out_of_order, 0);
    sets[3] = NULL;
    struct played sound = play_serving(SMALL, sets);
    ck_assert_double_gt(mean(&played, LATENCY_TTFT), 2.0 * mean(&sound, LATENCY_TTFT));
}
END_TEST

/* Clients that give up while they are prefilled, wait for room to decode, are on their way or
 * decode: each ends one way, and nobody holds anything any more. With four seats to
 * decode in some leave before their caches were sent for. */
START_TEST(clients_give_up)
{
    static const char *const pools[] = {
        "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}",
        "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}, service: "
        "{max_sequences: 4}}}",
        "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 1}}}"};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        struct played played =
            play_serving(SMALL, (const char *const[]){pools[i], "workload.arrivals.rate=40 /s",
                                                      "workload.requests=1500",
                                                      "workload.cancel={share: 0.5, after: 500 ms}",
                                                      "workload.timeout={total: 2 s}",
                                                      "workload.service.max_waiting=30",
                                                      "workload.service.max_wait=1 s", NULL});
        const struct serving_metrics *all = &played.metrics;
        printf("%llu answered, %llu cancelled, %llu timed out, %llu refused\n",
               (unsigned long long)all->completed, (unsigned long long)all->cancelled,
               (unsigned long long)all->timed_out, (unsigned long long)all->refused);
        ck_assert_uint_gt(all->cancelled, 300);
        ck_assert_uint_eq(all->completed + all->cancelled + all->timed_out + all->refused, 1500);
        ck_assert_int_eq(all->timed_out > 100, i == 1);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_eq(played.over_full, 0);
        ck_assert_uint_eq(played.free_pages, played.kv_pages_all);
    }
}
END_TEST

/* Half of the clients go after an exponential time of 200 ms in the mean. A request alone takes a
 * time T, which is the same for all: 1 - exp(-T / 200 ms) of them have gone before their end,
 * wherever they were. Four standard errors of 2,000 are 4 %. */
START_TEST(as_many_give_up_as_should)
{
    static const char *const common[] = {
        "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}",
        "workload.arrivals.rate=0.5 /s", "workload.requests=2000"};
    struct played calm = play_serving(
        SMALL, (const char *const[]){common[0], common[1], "workload.requests=20", NULL});
    struct played played = play_serving(
        SMALL, (const char *const[]){common[0], common[1], common[2],
                                     "workload.cancel={share: 0.5, after: 200 ms}", NULL});
    double expected = 0.5 * (1.0 - exp(-mean(&calm, LATENCY_E2E) / 0.2));
    ck_assert_double_eq_tol((double)played.metrics.cancelled / 2000.0, expected, 0.04);
}
END_TEST

/* Who waits too long, or finds too many waiting, is refused before the prefill: said of all or of
 * the pool that prefills, it is the same. */
START_TEST(refused_where_it_is_said)
{
    static const char *const limits[] = {"max_waiting: 4", "max_wait: 50 ms"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char of_all[256], of_pool[256];
        snprintf(of_all, sizeof of_all, "workload.service={policy: disaggregated, %s}", limits[i]);
        snprintf(of_pool, sizeof of_pool,
                 "pools={prefill: {layout: {tensor: 2}, service: {%s}}, decode: {layout: {tensor: "
                 "2}}}",
                 limits[i]);
        const char *rate = "workload.arrivals.rate=2000 /s", *number = "workload.requests=1000";
        struct played all = play_serving(
            SMALL, (const char *const[]){
                       "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}",
                       of_all, rate, number, NULL});
        struct played pool = play_serving(
            SMALL, (const char *const[]){of_pool, "workload.service={policy: disaggregated}", rate,
                                         number, NULL});
        ck_assert(all.may_leave && pool.may_leave); /* or nobody is told who was refused */
        ck_assert_uint_gt(all.metrics.refused, 50);
        ck_assert_uint_eq(all.metrics.refused, pool.metrics.refused);
        ck_assert_double_eq_tol(mean(&all, LATENCY_E2E), mean(&pool, LATENCY_E2E), 1e-12);
    }
}
END_TEST

RUN_TESTS(serving_pools, refused_where_it_is_said, ranks_gather_their_heads, nodes_of_their_own,
          gpus_of_their_own, settings_of_their_own, experts_in_both_pools, prompts_that_give_way,
          pipelines, ranks_that_share_experts_fall_together,
          ranks_that_share_experts_wait_for_the_slowest, replicas_count_over_pools, clients_give_up,
          as_many_give_up_as_should)
