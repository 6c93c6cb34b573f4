/* SPDX-License-Identifier: MIT
 * Adapters trained on replicas that serve: what a step trains by hand, that time is neither lost
 * nor made, what it takes of the cache, and docs/serving.md's table. */
#include "run_tests.h"
#include "serving_play.h"
#include "sim/scenario/finetuning.h"
#include "sim/scenario/load.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-finetuning.yaml"
#define ONE "workload.arrivals={kind: closed-loop, clients: 1}"
#define STACK "stack: pytorch-training-bf16"

static struct finetuning_price price_of(const char *path, const char *text)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override override = {.text = text};
    const struct scenario *scenario = scenario_load(arena, path, &override, 1, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct finetuning_price price = finetuning_price(scenario, arena);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return price;
}

/* One client's answers of 400 tokens. With a target of 30 ms a step goes on for as many passes of a
 * layer as fit: a token's time is at most the target, and less than a pass below it. With a half of
 * the time a token takes twice as long, less a pass at most. All that the run is longer is trained
 * in, at the rate of a training run: tokens of a micro-batch by its time. */
START_TEST(a_step_by_hand)
{
    static const char *const says[] = {
        "workload.service.finetuning={policy: slack, target: 30 ms, " STACK "}",
        "workload.service.finetuning={policy: share, share: 0.5, " STACK "}",
    };
    const char *const plain[] = {ONE, "workload.lengths.output.tokens=400 tokens",
                                 "workload.requests=3", NULL};
    struct played none = play_serving(SMALL, plain);
    double token = none.metrics.latencies[LATENCY_TPOT].mean;
    for (size_t i = 0; i < 2; i++) {
        struct finetuning_price price = price_of(SMALL, says[i]);
        double piece = price.seconds / price.pieces, wanted = i == 0 ? 30e-3 : 2.0 * token;
        const char *const tuned[] = {ONE, "workload.lengths.output.tokens=400 tokens",
                                     "workload.requests=3", says[i], NULL};
        struct played played = play_serving(SMALL, tuned);
        double got = played.metrics.latencies[LATENCY_TPOT].mean;
        double longer = played.end_seconds - none.end_seconds;
        printf("a token %.3f ms, alone %.3f ms, a pass %.3f ms; %.0f tokens in %.3f s, longer by "
               "%.3f s\n",
               1e3 * got, 1e3 * token, 1e3 * piece, played.metrics.finetuning_tokens,
               played.metrics.finetuning_share * played.end_seconds, longer);
        ck_assert_double_lt(got, wanted + 0.2e-3);
        ck_assert_double_gt(got, wanted - piece - 0.2e-3);
        ck_assert_double_eq_tol(played.metrics.finetuning_tokens,
                                longer / price.seconds * price.tokens,
                                0.02 * played.metrics.finetuning_tokens);
        ck_assert_double_eq_tol(played.metrics.finetuning_share * played.end_seconds,
                                played.metrics.finetuning_tokens / price.tokens * price.seconds,
                                1e-6);
    }
}
END_TEST

/* Two requests 100 s apart: a replica trains while nobody asks, and the second waits for no more
 * than a pass of a layer. A micro-batch of 1024 tokens by hand: an 8B model's products, forward
 * again (all is computed twice) and input gradients, 3 x 2 x 8e9 x 1024 FLOPs, at the rate of
 * large products are 60 to 100 ms. What it takes is not in the cache. */
START_TEST(while_nobody_asks)
{
    char path[] = "/tmp/cpsim-finetuning-XXXXXX", arrivals[128];
    static const char *const slack =
        "workload.service.finetuning={policy: slack, target: 30 ms, " STACK "}";
    write_table(path, "arrival_seconds,prompt_tokens,output_tokens\n0,128,16\n100,128,16\n");
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, format: csv, file: '%s'}",
             path);
    struct finetuning_price price = price_of(SMALL, slack);
    struct played none = play_serving(SMALL, (const char *const[]){arrivals, NULL});
    struct played played = play_serving(SMALL, (const char *const[]){arrivals, slack, NULL});
    double latest = played.metrics.latencies[LATENCY_TTFT].max;
    printf("a micro-batch %.1f ms; %.1f %% of the time; TTFT at most %.1f ms\n",
           1e3 * price.seconds, 100.0 * played.metrics.finetuning_share, 1e3 * latest);
    ck_assert_double_gt(price.seconds, 60e-3);
    ck_assert_double_lt(price.seconds, 100e-3);
    ck_assert_double_gt(played.metrics.finetuning_share, 0.99);
    ck_assert_double_le(played.metrics.finetuning_share, 1.0);
    ck_assert_double_lt(latest, none.metrics.latencies[LATENCY_TTFT].max + 30e-3 +
                                    price.seconds / price.pieces);
    double room = played.metrics.finetuning_room_bytes;
    double pages = (double)(none.kv_pages - played.kv_pages) * 16.0 * 131072.0;
    printf("room %.3f GB, %.3f GB of pages\n", room / 1e9, pages / 1e9);
    ck_assert_double_eq_tol(pages, room, 2.0 * 16.0 * 131072.0);
    remove(path);
}
END_TEST

/* docs/serving.md's table at 60 requests a second: shares within the targets, and tokens trained.
 */
START_TEST(table)
{
#define SHARE                                                                                      \
    "workload.service.finetuning.policy=share", "workload.service.finetuning.target=0 s",          \
        "workload.service.finetuning.share=0.3", "workload.service.finetuning.interval=0 s"
    static const struct {
        const char *sets[5];
        double good, tokens;
    } rows[] = {
        {{"workload.service.finetuning=none"}, 1.0, 0.0},
        {{"workload.service.finetuning=none", "layout.data=3"}, 0.185, 0.0},
        {{SHARE}, 0.09, 12220.0},
        {{"workload.service.finetuning.interval=0 s"}, 0.688, 15090.0},
        {{"seed=0"}, 0.993, 12770.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const sets[] = {"workload.arrivals.rate=60 /s",
                                    rows[i].sets[0],
                                    rows[i].sets[1],
                                    rows[i].sets[2],
                                    rows[i].sets[3],
                                    NULL};
        struct played played = play_serving(SCENARIO, sets);
        printf("%s: %.3f within the targets, %.0f tokens/s\n", rows[i].sets[0],
               played.metrics.good_share, played.metrics.finetuning_tokens_per_second);
        ck_assert_double_eq_tol(played.metrics.good_share, rows[i].good, 0.03);
        ck_assert_double_eq_tol(played.metrics.finetuning_tokens_per_second, rows[i].tokens,
                                0.03 * rows[i].tokens + 1e-9);
    }
}
END_TEST

RUN_TESTS(serving_finetuning, a_step_by_hand, while_nobody_asks, table)
