/* SPDX-License-Identifier: MIT
 * A service with low-rank adapters: who waits, what loads take, what room they leave. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define FEATURES "software.features=[adapters, pipeline]"

static double e2e(const struct played *played)
{
    return played->metrics.latencies[LATENCY_E2E].max;
}

/* A table of requests; the caller removes it. */
static const char *table(char *path, const char *rows)
{
    static char text[256];
    write_table(path, rows);
    snprintf(text, sizeof text, "workload.arrivals={kind: at-once, file: %s}", path);
    return text;
}

/* Four requests at once, alike, for adapters 0, 1, 0, 1. Where a step may have one adapter the
 * third passes the second and runs beside the first, and the others follow them together: two
 * rounds for the two adapters, each loaded once, as if two requests ran after two. Where it may
 * have two nobody waits. */
START_TEST(who_fits_passes)
{
    char path[] = "/tmp/cpsim-adapters-XXXXXX";
    const char *arrivals = table(path, "prompt_tokens,output_tokens,adapter\n"
                                       "128,400,0\n128,400,1\n128,400,0\n128,400,1\n");
    struct played one = play_serving(
        SMALL, (const char *const[]){FEATURES, arrivals, "workload.adapters=2",
                                     "workload.service.adapters={max_adapters: 1}", NULL});
    struct played two = play_serving(
        SMALL, (const char *const[]){FEATURES, arrivals, "workload.adapters=2",
                                     "workload.service.adapters={max_adapters: 2}", NULL});
    printf("a step with one adapter: %.3f s, with two: %.3f s\n", e2e(&one), e2e(&two));
    ck_assert_uint_eq(one.metrics.adapter_waits, 2);
    ck_assert_uint_eq(one.metrics.adapter_loads, 2);
    ck_assert_double_eq(one.metrics.adapter_hit_share, 0.5);
    ck_assert_double_eq_tol(one.metrics.mean_batch, 2.0, 0.01);
    ck_assert_uint_eq(two.metrics.adapter_waits, 0);
    ck_assert_uint_eq(two.metrics.adapter_loads, 2);
    ck_assert_double_eq_tol(two.metrics.mean_batch, 4.0, 0.05);
    ck_assert_double_gt(e2e(&one) / e2e(&two), 1.8);
    ck_assert_double_lt(e2e(&one) / e2e(&two), 2.0);
    remove(path);
}
END_TEST

/* Eight replicas of one GPU load 83.9 MB each for their first step, all at once, over links of 50
 * GB/s: each waits 1.68 ms. Where the memory of their host gives 50 GB/s to all of them it serves
 * one after the other, k times 1.68 ms for the k-th; of two sockets each serves four. One replica
 * on eight GPUs whose adapters are cut loads as much as eight parts together. */
START_TEST(a_hosts_memory_is_shared)
{
    char path[] = "/tmp/cpsim-adapters-XXXXXX";
    const char *arrivals = table(path, "prompt_tokens,output_tokens,adapter\n"
                                       "128,9,0\n128,9,0\n128,9,0\n128,9,0\n"
                                       "128,9,0\n128,9,0\n128,9,0\n128,9,0\n");
    static const struct {
        const char *memory;
        double waits; /* of one load over one link, of all eight replicas */
    } rows[] = {
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_memory_rate: 0 B/s}", 8},
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 1, host_memory_rate: 400 GB/s}",
         8},
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 1, host_memory_rate: 50 GB/s}",
         36},
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 2, host_memory_rate: 50 GB/s}",
         20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const overrides[] = {FEATURES,
                                         arrivals,
                                         rows[i].memory,
                                         "layout.data=8",
                                         "workload.adapters=1",
                                         "software.adapters.load_matrix=0 s",
                                         "workload.service.adapters={max_adapters: 1}",
                                         NULL};
        struct played played = play_serving(SMALL, overrides);
        double one = 83886080.0 / 50e9;
        printf("loads %.3f ms, one %.3f ms\n", 1e3 * played.metrics.adapter_seconds, 1e3 * one);
        ck_assert_uint_eq(played.metrics.adapter_loads, 8);
        ck_assert_double_eq_tol(played.metrics.adapter_seconds, rows[i].waits * one, 1e-9);
    }
    remove(path);
}
END_TEST

/* One client, adapters 0 and 1 by turns, room for one: each of ten requests loads its own, 448
 * matrices of 10 us each, for that is more than 83.9 MB at 50 GB/s. Larger ones of rank 128, 671
 * MB, take 13.4 ms. Where the host has one of them too, each is read before at 1 GB/s: 83.9 ms.
 * The time is in the first token's. */
START_TEST(loads_by_hand)
{
    char path[] = "/tmp/cpsim-adapters-XXXXXX";
    write_table(path, "prompt_tokens,output_tokens,adapter\n"
                      "128,9,0\n128,9,1\n128,9,0\n128,9,1\n128,9,0\n"
                      "128,9,1\n128,9,0\n128,9,1\n128,9,0\n128,9,1\n");
    char clients[256];
    snprintf(clients, sizeof clients, "workload.arrivals={kind: closed-loop, clients: 1, file: %s}",
             path);
    static const struct {
        const char *adapters;
        double seconds, bytes;
        uint64_t reads;
    } rows[] = {
        {"workload.service.adapters={max_adapters: 2}", 2 * (448 * 10e-6 + 83886080.0 / 50e9),
         2 * 83886080.0, 0},
        {"workload.service.adapters={max_adapters: 1}", 10 * (448 * 10e-6 + 83886080.0 / 50e9),
         10 * 83886080.0, 0},
        {"workload.service.adapters={max_adapters: 1, rank: 128}",
         10 * (448 * 10e-6 + 671088640.0 / 50e9), 10 * 671088640.0, 0},
        {"workload.service.adapters={max_adapters: 1, host_adapters: 1, storage_rate: 1 GB/s}",
         10 * (448 * 10e-6 + 83886080.0 / 50e9 + 83886080.0 / 1e9), 10 * 83886080.0, 10},
    };
    double first[4];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, clients, "workload.adapters=2",
                                         "software.adapters.load_matrix=10 us",
                                         "cluster.host_rate=50 GB/s", rows[i].adapters, NULL});
        first[i] = played.metrics.latencies[LATENCY_TTFT].mean;
        printf("TTFT %.3f ms, loads %.3f ms\n", 1e3 * first[i],
               1e3 * played.metrics.adapter_seconds);
        ck_assert_double_eq_tol(played.metrics.adapter_seconds, rows[i].seconds, 1e-9);
        ck_assert_double_eq(played.metrics.adapter_bytes, rows[i].bytes);
        ck_assert_uint_eq(played.metrics.adapter_reads, rows[i].reads);
    }
    ck_assert_double_eq_tol(first[1] - first[0], 0.8 * (448 * 10e-6 + 83886080.0 / 50e9), 2e-4);
    ck_assert_double_eq_tol(first[3] - first[1], 83886080.0 / 1e9, 2e-4);
    remove(path);
}
END_TEST

/* Room for 8 adapters of rank 16 is 8 x 83,886,080 B: of Llama 3 8B's cache, 131,072 B a token,
 * 5,120 tokens fewer. What is kept is for the largest rank. */
START_TEST(room_by_hand)
{
    static const char *const adapters[] = {
        "seed=0", "workload.service.adapters={max_adapters: 8, rank: 16}",
        "workload.service.adapters={max_adapters: 8, rank: 8, max_rank: 32}",
        "workload.service.adapters={max_adapters: 8, rank: 16, targets: attention}"};
    static const double tokens[] = {0.0, 5120.0, 10240.0, 1664.0},
                        bytes[] = {0.0, 671088640.0, 1342177280.0, 218103808.0};
    struct played plain = play_serving(
        SMALL, (const char *const[]){FEATURES, "workload.requests=5", adapters[0], NULL});
    for (size_t i = 1; i < 4; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, "workload.requests=5", adapters[i], NULL});
        double fewer =
            (double)plain.metrics.kv_cache_tokens - (double)played.metrics.kv_cache_tokens;
        ck_assert_double_eq_tol(fewer, tokens[i], 16.0);
        ck_assert_double_eq(played.metrics.adapter_room_bytes, bytes[i]);
    }
}
END_TEST

/* A system prompt of 1024 tokens, whole pages, of one class: the first request of each adapter
 * computes it, for its keys and values are that adapter's. Of 200 requests at 1152 tokens, 5
 * adapters hit (200 - 5) x 1024; one or two of 50 nobody asks for. */
START_TEST(a_prefix_is_one_adapters)
{
    static const char *const counts[] = {"workload.adapters=1", "workload.adapters=5",
                                         "workload.adapters=50"};
    static const double of[] = {1.0, 5.0, 50.0};
    for (size_t i = 0; i < 3; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, counts[i], "workload.requests=200",
                                         "workload.system_prompt=1024 tokens",
                                         "workload.service.adapters={max_adapters: 4}", NULL});
        double hits = played.metrics.hit_share * (double)played.metrics.input_tokens / 1024.0;
        printf("%s: %.0f of 200 prompts found theirs\n", counts[i], hits);
        ck_assert_double_eq_tol(hits, 200.0 - of[i], i == 2 ? 3.0 : 0.1);
    }
}
END_TEST

/* Four adapters by Zipf with exponent 1: 12/25, 6/25, 4/25, 3/25 of requests. One client and room
 * for one: a request finds its adapter there if the one before had the same, with probability (144
 * + 36 + 16 + 9) / 625 = 0.328. Half of the requests for the model itself leave it there. */
START_TEST(popularity)
{
    static const char *const choices[] = {"workload.adapters={count: 4, skew: 1}",
                                          "workload.adapters={count: 4, skew: 0}",
                                          "workload.adapters={count: 4, skew: 1, base_share: 0.5}"};
    static const double expected[] = {0.328, 0.25, 0.328};
    for (size_t i = 0; i < 3; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, choices[i], "workload.requests=20000",
                                         "workload.arrivals={kind: closed-loop, clients: 1}",
                                         "workload.lengths.output.tokens=2 tokens",
                                         "workload.service.adapters={max_adapters: 1}", NULL});
        printf("%s: %.3f\n", choices[i], played.metrics.adapter_hit_share);
        ck_assert_double_eq_tol(played.metrics.adapter_hit_share, expected[i], 0.012);
    }
}
END_TEST

/* Preemption, cancelled requests, stages of a pipeline, classes with adapters in common: nothing is
 * lost, and no step has more than it may. */
START_TEST(nothing_is_lost)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){FEATURES, "workload.arrivals.rate=40 /s", "workload.requests=800",
                              "workload.lengths.output.tokens=300 tokens", "memory.fraction=0.24",
                              "workload.cancel={share: 0.2, after: 3 s}",
                              "workload.adapters={count: 30, skew: 0.7, base_share: 0.1}",
                              "workload.service.adapters={max_adapters: 6}", NULL});
    ck_assert_uint_gt(played.metrics.cancelled, 10);
    ck_assert_uint_eq(played.metrics.cancelled + played.metrics.completed, 800);
    ck_assert_uint_gt(played.metrics.preemptions, 0);
    ck_assert_uint_gt(played.metrics.adapter_waits, 0);
    ck_assert_uint_eq(played.free_pages, played.kv_pages);
    ck_assert_uint_eq(played.out_of_order, 0);
    played = play_serving(
        SMALL, (const char *const[]){FEATURES, "workload.arrivals.rate=20 /s", "layout.pipeline=2",
                                     "workload.requests=400", "workload.adapters=12",
                                     "workload.service.adapters={max_adapters: 3}",
                                     "workload.classes=[{name: a}, {name: b, adapters: {count: 4, "
                                     "first: 8}}]",
                                     NULL});
    ck_assert_uint_eq(played.metrics.completed, 400);
    ck_assert_uint_gt(played.metrics.adapter_loads, 12);
    ck_assert_uint_eq(played.out_of_order, 0);
}
END_TEST

/* The four requests of who_fits_passes under SGLang's scheduler: the third passes the second too,
 * two rounds of two. A system prompt of 64 tokens is kept once for each adapter: the third and the
 * fourth find it, the first of each does not. */
START_TEST(sglang_passes_too)
{
    char path[] = "/tmp/cpsim-adapters-XXXXXX";
    const char *arrivals = table(path, "prompt_tokens,output_tokens,adapter\n"
                                       "128,400,0\n128,400,1\n128,400,0\n128,400,1\n");
    struct played of[2];
    for (size_t i = 0; i < 2; i++) {
        of[i] = play_serving(
            SMALL, (const char *const[]){"software=sglang", arrivals, "workload.adapters=2",
                                         i == 0 ? "workload.service.adapters={max_adapters: 1}"
                                                : "workload.service.adapters={max_adapters: 2}",
                                         NULL});
        ck_assert_uint_eq(of[i].free_pages, of[i].kv_pages);
    }
    ck_assert_uint_eq(of[0].metrics.adapter_waits, 2);
    ck_assert_uint_eq(of[0].metrics.adapter_loads, 2);
    ck_assert_double_eq_tol(of[0].metrics.mean_batch, 2.0, 0.02);
    ck_assert_uint_eq(of[1].metrics.adapter_waits, 0);
    ck_assert_double_gt(e2e(&of[0]) / e2e(&of[1]), 1.8);
    ck_assert_double_lt(e2e(&of[0]) / e2e(&of[1]), 2.0);
    remove(path);
    double hits[2];
    for (size_t i = 0; i < 2; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){"software=sglang", "workload.requests=100",
                                         i == 0 ? "workload.adapters=1" : "workload.adapters=4",
                                         "workload.system_prompt=64 tokens",
                                         "workload.lengths.prompt.tokens=128 tokens",
                                         "workload.service.prefix_cache=true",
                                         "workload.service.adapters={max_adapters: 4}", NULL});
        hits[i] = played.metrics.hit_share;
    }
    /* 99 and 96 of 100 find the system prompt, of 192 tokens 64. */
    ck_assert_double_eq_tol(hits[0], 0.99 * 64 / 192, 1e-6);
    ck_assert_double_eq_tol(hits[1], 0.96 * 64 / 192, 1e-6);
}
END_TEST

/* Two adapters by turns and one place in either pool: each of six requests that come one after the
 * other loads its own twice, once where it is prefilled and once where it decodes. */
START_TEST(pools_load_their_own)
{
    char path[] = "/tmp/cpsim-adapters-XXXXXX";
    write_table(path, "prompt_tokens,output_tokens,adapter\n"
                      "128,9,0\n128,9,1\n128,9,0\n128,9,1\n128,9,0\n128,9,1\n");
    char clients[256];
    snprintf(clients, sizeof clients, "workload.arrivals={kind: closed-loop, clients: 1, file: %s}",
             path);
    struct played alone = play_serving(
        SMALL, (const char *const[]){
                   "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}", clients,
                   "software.features=[adapters, pools]", "workload.adapters=2",
                   "workload.service.adapters={max_adapters: 1}", NULL});
    ck_assert_uint_eq(alone.metrics.adapter_loads, 12);
    snprintf(clients, sizeof clients, "workload.arrivals={kind: at-once, file: %s}", path);
    struct played together = play_serving(
        SMALL, (const char *const[]){
                   "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}", clients,
                   "software.features=[adapters, pools]", "workload.adapters=2",
                   "workload.service.adapters={max_adapters: 1}", NULL});
    ck_assert_uint_eq(together.metrics.completed, 6);
    /* Adapter 0 comes first, alone or with all of its kind, then 1, then the rest of 0; those that
     * decode together need 2 loads at least. */
    ck_assert_uint_ge(together.metrics.adapter_loads, 4);
    ck_assert_uint_le(together.metrics.adapter_loads, 6);
    ck_assert_uint_eq(together.free_pages, together.kv_pages_all);
    remove(path);
}
END_TEST

/* How long a request of 128 and so many tokens takes alone, its adapter's load included. */
static double alone(const char *tokens, const char *rate)
{
    char output[64];
    snprintf(output, sizeof output, "workload.lengths.output.tokens=%s tokens", tokens);
    struct played played = play_serving(
        SMALL,
        (const char *const[]){FEATURES, rate, output, "workload.requests=1", "workload.adapters=1",
                              "workload.service.adapters={max_adapters: 1}", NULL});
    return e2e(&played);
}

/* A faster GPU may answer later (R. L. Graham, Bounds on multiprocessing timing anomalies, 1969).
 * One adapter a step: A (adapter 0, 400 tokens) runs from 0 on, B (adapter 1, 800) waits from 0.1 s
 * on, and C (adapter 0, 10) arrives just when A would end on the slower GPU, where it passes B,
 * runs beside A and holds B up for its few tokens. Where memory is 5 % faster A has ended a moment
 * before: B's adapter is there, and C waits for all of B. By hand, in the times of A, B and C alone
 * (a, b, c):
 *   slower: a + [a' + b - 0.1] + c, with a' = C's arrival + c, the later end of A and C
 *   faster: a + [a + b - 0.1] + [a + b - C's arrival + c] */
START_TEST(a_faster_gpu_may_answer_later)
{
    static const char *const rates[] = {"gpu.memory_rate=3.35 TB/s", "gpu.memory_rate=3.5175 TB/s"};
    double a[2], b[2], c[2], mean[2], by_hand[2];
    for (int i = 0; i < 2; i++) {
        a[i] = alone("400", rates[i]);
        b[i] = alone("800", rates[i]);
        c[i] = alone("10", rates[i]);
    }
    double late = (a[0] + a[1]) / 2.0; /* A still runs on the slower, and has ended on the faster */
    char path[] = "/tmp/cpsim-adapters-XXXXXX", rows[200], arrivals[256];
    snprintf(rows, sizeof rows,
             "arrival_seconds,prompt_tokens,output_tokens,adapter\n"
             "0,128,400,0\n0.1,128,800,1\n%.6f,128,10,0\n",
             late);
    write_table(path, rows);
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, file: %s, format: csv}",
             path);
    for (int i = 0; i < 2; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, rates[i], arrivals, "workload.requests=3",
                                         "workload.adapters=2",
                                         "workload.service.adapters={max_adapters: 1}", NULL});
        mean[i] = played.metrics.latencies[LATENCY_E2E].mean;
    }
    double end = fmax(a[0], late + c[0]);
    by_hand[0] = (a[0] + (end + b[0] - 0.1) + c[0]) / 3.0;
    by_hand[1] = (a[1] + (a[1] + b[1] - 0.1) + (a[1] + b[1] - late + c[1])) / 3.0;
    printf("A %.3f and %.3f s, C at %.3f s: mean %.3f and %.3f s, by hand %.3f and %.3f s\n", a[0],
           a[1], late, mean[0], mean[1], by_hand[0], by_hand[1]);
    ck_assert_double_lt(a[1], a[0]);
    ck_assert_double_eq_tol(mean[0], by_hand[0], 0.01 * by_hand[0]);
    ck_assert_double_eq_tol(mean[1], by_hand[1], 0.01 * by_hand[1]);
    ck_assert_double_gt(mean[1], 1.3 * mean[0]);
    remove(path);
}
END_TEST

RUN_TESTS(serving_adapters, a_faster_gpu_may_answer_later, who_fits_passes, loads_by_hand,
          room_by_hand, a_prefix_is_one_adapters, popularity, nothing_is_lost, sglang_passes_too,
          pools_load_their_own, a_hosts_memory_is_shared)
