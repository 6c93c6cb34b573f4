/* SPDX-License-Identifier: MIT
 * A prefix cache that goes on below the GPUs: what is found where, what loads take. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define FEATURES "software.features=[tiers, pools, pipeline, speculation]"
/* Room for some 23,700 tokens on a GPU. */
#define LITTLE "memory.fraction=0.24"

/* Llama 3 8B: 2 x 8 x 128 x 2 B in each of 32 layers. */
static const double token_bytes = 131072.0;

/* One client asks for a table of requests one after the other; the caller removes the file. */
static const char *one_client(char *path, const char *rows)
{
    static char text[256];
    write_table(path, rows);
    snprintf(text, sizeof text, "workload.arrivals={kind: closed-loop, clients: 1, file: %s}",
             path);
    return text;
}

static double mean(const struct played *played, enum latency latency)
{
    return played->metrics.latencies[latency].mean;
}

/* A conversation, four long prompts that need its room on the GPU, and the conversation again: its
 * first turn of 4096 tokens and 15 computed ones fills 256 pages, all of which the second finds. A
 * load of 4096 x 128 KiB takes 10.7 ms at 50 GB/s. What goes to the host at once: 256 pages, 438 of
 * each long prompt (7000 + 15 tokens), and the last request's 264 less those that are there. When
 * room is needed alone: fewer. */
START_TEST(loads_by_hand)
{
    char path[] = "/tmp/cpsim-tiers-XXXXXX";
    const char *clients = one_client(path, "prompt_tokens,output_tokens,session\n"
                                           "4096,16,7\n7000,16,0\n7000,16,0\n7000,16,0\n"
                                           "7000,16,0\n4212,16,7\n");
    struct played none =
        play_serving(SMALL, (const char *const[]){FEATURES, LITTLE, clients, NULL});
    struct played host = play_serving(
        SMALL, (const char *const[]){FEATURES, LITTLE, clients, "cluster.host_rate=50 GB/s",
                                     "workload.service.tiers.host=10 GB", NULL});
    struct played back = play_serving(
        SMALL, (const char *const[]){FEATURES, LITTLE, clients, "cluster.host_rate=50 GB/s",
                                     "workload.service.tiers={host: 10 GB, write: back}", NULL});
    struct played small =
        play_serving(SMALL, (const char *const[]){FEATURES, LITTLE, clients,
                                                  "workload.service.tiers.host=3 GB", NULL});
    double seconds = 4096 * token_bytes / 50e9, prompts = 4096 + 4 * 7000 + 4212;
    printf("load %.3f ms, by hand %.3f ms; TTFT %.1f ms, without %.1f ms\n",
           1e3 * host.metrics.tier_load_seconds, 1e3 * seconds, 1e3 * mean(&host, LATENCY_TTFT),
           1e3 * mean(&none, LATENCY_TTFT));
    ck_assert_double_eq(none.metrics.hit_share, 0.0);
    ck_assert_double_eq_tol(host.metrics.tier_load_seconds, seconds, 1e-8);
    ck_assert_double_eq(host.metrics.tier_loaded_bytes[TIER_HOST], 4096 * token_bytes);
    ck_assert_double_eq_tol(host.metrics.tier_share[TIER_HOST], 4096 / prompts, 1e-12);
    ck_assert_double_eq_tol(host.metrics.hit_share, 4096 / prompts, 1e-12);
    ck_assert_double_eq(host.metrics.tier_stored_bytes[TIER_HOST],
                        (256 + 4 * 438 + 8) * 16 * token_bytes);
    ck_assert_double_eq(back.metrics.tier_loaded_bytes[TIER_HOST], 4096 * token_bytes);
    ck_assert_double_lt(back.metrics.tier_stored_bytes[TIER_HOST],
                        0.6 * host.metrics.tier_stored_bytes[TIER_HOST]);
    ck_assert_double_lt(mean(&host, LATENCY_TTFT), mean(&none, LATENCY_TTFT) - 5e-3);
    /* 1430 pages: the long prompts have pushed the conversation out. */
    ck_assert_double_eq(small.metrics.tier_loaded_bytes[TIER_HOST], 0.0);
    /* A load's time is in the queue's. */
    ck_assert_double_gt(6.0 * (mean(&host, LATENCY_QUEUE) - mean(&none, LATENCY_QUEUE)),
                        0.95 * seconds);
    remove(path);
}
END_TEST

/* The same on eight tensor ranks, each with an eighth: over a link of 50 GB/s each, or an eighth of
 * what the memory of one socket gives, a quarter of that of one of two. */
START_TEST(eight_ranks_share_a_hosts_memory)
{
    char path[] = "/tmp/cpsim-tiers-XXXXXX";
    const char *clients = one_client(path, "prompt_tokens,output_tokens,session\n"
                                           "4096,16,7\n7000,16,0\n7000,16,0\n7000,16,0\n"
                                           "7000,16,0\n4212,16,7\n");
    static const struct {
        const char *cluster;
        double rate;
    } rows[] = {
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 1, host_memory_rate: 800 GB/s}",
         50e9},
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 1, host_memory_rate: 160 GB/s}",
         20e9},
        {"cluster={use: dgx-h100, host_rate: 50 GB/s, host_sockets: 2, host_memory_rate: 160 GB/s}",
         40e9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const overrides[] = {FEATURES,
                                         clients,
                                         rows[i].cluster,
                                         "layout.tensor=8",
                                         "memory.fraction=0.066",
                                         "workload.service.tiers.host=10 GB",
                                         NULL};
        struct played played = play_serving(SMALL, overrides);
        double seconds = 4096 * token_bytes / 8.0 / rows[i].rate;
        printf("load %.3f ms, by hand %.3f ms\n", 1e3 * played.metrics.tier_load_seconds,
               1e3 * seconds);
        ck_assert_double_eq(played.metrics.tier_loaded_bytes[TIER_HOST], 4096 * token_bytes);
        ck_assert_double_eq_tol(played.metrics.tier_load_seconds, seconds, 1e-8);
    }
    remove(path);
}
END_TEST

/* The same from a store: a flow over the GPU's card, which the store's two nodes share. */
START_TEST(flows_by_hand)
{
    char path[] = "/tmp/cpsim-tiers-XXXXXX";
    const char *clients = one_client(path, "prompt_tokens,output_tokens,session\n"
                                           "4096,16,7\n7000,16,0\n7000,16,0\n7000,16,0\n"
                                           "7000,16,0\n4212,16,7\n");
    static const char *const tiers[] = {
        "workload.service.tiers.remote={capacity: 100 GB}",
        "workload.service.tiers.remote={capacity: 100 GB, nodes: 2}",
        "workload.service.tiers={host: 3 GB, remote: 100 GB}"};
    for (size_t i = 0; i < 3; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, LITTLE, clients, "cluster.nic_rate=40 GB/s",
                                         "cluster.connection_rate=40 GB/s", tiers[i], NULL});
        double seconds = 4096 * token_bytes / 40e9;
        printf("%s: %.3f ms, by hand %.3f ms\n", tiers[i], 1e3 * played.metrics.tier_load_seconds,
               1e3 * seconds);
        ck_assert_double_eq_tol(played.metrics.tier_load_seconds, seconds, 0.01 * seconds);
        ck_assert_double_eq(played.metrics.tier_loaded_bytes[TIER_REMOTE], 4096 * token_bytes);
        ck_assert_double_eq(played.metrics.tier_stored_bytes[TIER_REMOTE],
                            (256 + 4 * 438 + 8) * 16 * token_bytes);
    }
    remove(path);
}
END_TEST

/* Two replicas by turns: a conversation's second turn comes to the other one. A host's memory of a
 * replica's own does not help, one that the node's replicas share does, and so does the store. Two
 * tensor ranks load halves at once. */
START_TEST(who_shares_what)
{
    char path[] = "/tmp/cpsim-tiers-XXXXXX";
    const char *clients = one_client(path, "prompt_tokens,output_tokens,session\n"
                                           "4096,16,7\n4212,16,7\n");
    static const struct {
        const char *tiers, *layout;
        double host, remote, seconds;
    } rows[] = {
        {"workload.service.tiers.host=10 GB", "layout.data=2", 0.0, 0.0, 0.0},
        {"workload.service.tiers.host={capacity: 10 GB, shared: true}", "layout.data=2", 4096.0,
         0.0, 4096 * 131072.0 / 50e9},
        {"workload.service.tiers.host={capacity: 10 GB, shared: true}",
         "layout={data: 2, tensor: 2}", 4096.0, 0.0, 4096 * 65536.0 / 50e9},
        {"workload.service.tiers.remote=100 GB", "layout.data=2", 0.0, 4096.0, 0.0},
        {"workload.service.tiers={host: {capacity: 10 GB, shared: true}, remote: 100 GB}",
         "layout.data=2", 4096.0, 0.0, 0.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played =
            play_serving(SMALL, (const char *const[]){FEATURES, clients, rows[i].layout,
                                                      rows[i].tiers, "cluster.host_rate=50 GB/s",
                                                      "workload.service.router=round-robin", NULL});
        double prompts = 4096 + 4212;
        ck_assert_double_eq_tol(played.metrics.tier_share[TIER_HOST], rows[i].host / prompts, 1e-9);
        ck_assert_double_eq_tol(played.metrics.tier_share[TIER_REMOTE], rows[i].remote / prompts,
                                1e-9);
        if (rows[i].seconds > 0.0) {
            ck_assert_double_eq_tol(played.metrics.tier_load_seconds, rows[i].seconds, 1e-8);
        }
    }
    remove(path);
}
END_TEST

/* Conversations whose caches do not fit: the tiers have nearly all of what is asked for again, and
 * TTFT is a fraction. Nothing is lost where requests give way, leave, where replicas fail, where
 * prompts are computed apart. */
START_TEST(nothing_is_lost)
{
    static const char *const tiers[] = {
        "seed=0",
        "workload.service.tiers.host=100 GB",
        "workload.service.tiers={host: 100 GB, write: back}",
        "workload.service.tiers={host: 5 GB, remote: {capacity: 1 TB, nodes: 2}}",
    };
    double first[4];
    for (size_t i = 0; i < 4; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, LITTLE, tiers[i], "workload.requests=600",
                                         "workload.sessions={turns: 6, think: 20 s}",
                                         "workload.lengths.prompt.tokens=900 tokens", NULL});
        first[i] = mean(&played, LATENCY_TTFT);
        printf("%s: TTFT %.3f s, %.2f found\n", tiers[i], first[i], played.metrics.hit_share);
        ck_assert_uint_eq(played.metrics.completed, 600);
        ck_assert_uint_eq(played.free_pages, played.kv_pages);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert(i == 0 || played.metrics.hit_share > 0.6);
        ck_assert(i == 0 || first[i] < 0.5 * first[0]);
    }
    static const char *const ways[][4] = {
        {"workload.cancel={share: 0.3, after: 2 s}", "workload.arrivals.rate=4 /s",
         "workload.lengths.output.tokens=300 tokens", "seed=0"},
        {"workload.random_faults={mean_between: 30 s, repair: 5 s}", "layout.data=2",
         "workload.arrivals.rate=3 /s", "seed=0"},
        {"layout={data: 2, pipeline: 2}", "workload.service.router=prefix-aware",
         "workload.arrivals.rate=4 /s", "seed=0"},
        {"layout.data=2", "workload.service.policy=disaggregated",
         "workload.service.prefill_replicas=1", "workload.arrivals.rate=2 /s"},
        {"workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: rate, rate: "
         "0.6}}",
         "seed=0", "seed=0", "seed=0"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){FEATURES, LITTLE, tiers[3], "workload.requests=400",
                                         "workload.sessions={turns: 6, think: 5 s}",
                                         "workload.lengths.prompt.tokens=700 tokens", ways[i][0],
                                         ways[i][1], ways[i][2], ways[i][3], NULL});
        ck_assert_uint_eq(played.metrics.completed + played.metrics.cancelled, 400);
        ck_assert_double_gt(played.metrics.tier_loaded_bytes[TIER_REMOTE], 0.0);
        ck_assert(i == 3 || played.free_pages % played.kv_pages == 0);
        ck_assert_uint_eq(played.over_full, 0);
        ck_assert_uint_eq(played.out_of_order, 0);
    }
}
END_TEST

/* docs/serving.md's table: what is found and goodput to 7 %, medians, which small changes of a
 * step's time move, to 12 %. */
START_TEST(when_tiers_pay)
{
    static const struct {
        const char *tiers;
        double found, p50, goodput;
    } rows[] = {
        {"workload.service.tiers.host=0 B", 0.61, 0.280, 0.536},
        {"title=tiers", 0.82, 0.203, 0.593},
        {"workload.service.tiers={remote: {capacity: 4 TB, nodes: 2}}", 0.82, 0.201, 0.596},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct played played = play_serving(CPSIM_SOURCE_DIR "/scenarios/serving-kv-tiers.yaml",
                                            (const char *const[]){rows[i].tiers, NULL});
        double p50 = played.metrics.latencies[LATENCY_TTFT].p50;
        printf("%s: %.3f found, p50 %.3f s, %.3f /s\n", rows[i].tiers, played.metrics.hit_share,
               p50, played.metrics.goodput);
        ck_assert_double_eq_tol(played.metrics.hit_share / rows[i].found, 1.0, 0.07);
        ck_assert_double_eq_tol(p50 / rows[i].p50, 1.0, 0.12);
        ck_assert_double_eq_tol(played.metrics.goodput / rows[i].goodput, 1.0, 0.07);
    }
}
END_TEST

/* Layer by layer: the second turn's 4096 tokens of 32 layers, 537 MB, are loaded in the step that
 * computes its last 116. A slow link's T is longer than that C, so that half the rate adds T to the
 * first token's time, whole; a fast one's is hidden but for its first layer, T / 32. SGLang's loop
 * has computed a token more of the first turn, which fills a page. */
START_TEST(loads_by_layer)
{
    static const char *const engines[] = {"vllm", "sglang"};
    char path[] = "/tmp/cpsim-tiers-XXXXXX";
    const char *clients = one_client(path, "prompt_tokens,output_tokens,session\n"
                                           "4096,16,7\n7000,16,0\n7000,16,0\n7000,16,0\n"
                                           "7000,16,0\n4212,16,7\n");
    static const char *const rates[] = {"cluster.host_rate=2 GB/s", "cluster.host_rate=4 GB/s",
                                        "cluster.host_rate=100 GB/s", "cluster.host_rate=200 GB/s"};
    for (size_t e = 0; e < 2; e++) {
        char software[64];
        snprintf(software, sizeof software, "software={use: %s, features: [tiers]}", engines[e]);
        double bytes = (e == 0 ? 4096 : 4112) * token_bytes;
        struct played of[4];
        for (size_t i = 0; i < 4; i++) {
            of[i] = play_serving(SMALL,
                                 (const char *const[]){
                                     software, e == 0 ? LITTLE : "memory.fraction=0.355", clients,
                                     rates[i], "cluster.host_memory_rate=0 B/s",
                                     "workload.service.max_batched_tokens=8192 tokens",
                                     "workload.service={block: 16 tokens, prefix_cache: true}",
                                     "workload.service.tiers={host: 10 GB, load: by-layer}", NULL});
            ck_assert_uint_eq(of[i].free_pages, of[i].kv_pages);
            ck_assert_double_eq_tol(of[i].metrics.tier_loaded_bytes[TIER_HOST], bytes, 1.0);
        }
        double slow = 6.0 * (mean(&of[0], LATENCY_TTFT) - mean(&of[1], LATENCY_TTFT));
        double fast = 6.0 * (mean(&of[2], LATENCY_TTFT) - mean(&of[3], LATENCY_TTFT));
        printf("%s: %.3f ms, by hand %.3f ms; hidden %.4f ms, by hand %.4f ms\n", engines[e],
               1e3 * slow, 1e3 * bytes / 4e9, 1e3 * fast, 1e3 * bytes / 200e9 / 32.0);
        ck_assert_double_eq_tol(slow, bytes / 4e9, 1e-6);
        ck_assert_double_eq_tol(fast, e == 0 ? bytes / 200e9 / 32.0 : 0.0, 1e-6);
    }
    remove(path);
}
END_TEST

RUN_TESTS(serving_tiers, when_tiers_pay, loads_by_hand, eight_ranks_share_a_hosts_memory,
          flows_by_hand, who_shares_what, nothing_is_lost, loads_by_layer)
