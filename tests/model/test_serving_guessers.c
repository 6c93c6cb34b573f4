/* SPDX-License-Identifier: MIT
 * Speculative decoding of other kinds (trees, streams inside the model, multi-token prediction) and
 * under other engines' schedulers, over ranks that share experts, in pools, of hybrid models. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/passes/memory.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

#define CLOSED(clients) "workload.arrivals={kind: closed-loop, clients: " clients "}"
#define GUESSES(kind, tokens, more, rate)                                                          \
    "workload.service.speculation={kind: " kind ", tokens: " tokens more                           \
    ", acceptance: {kind: rate, rate: " rate "}}"

static double tpot(const struct played *played)
{
    return played->metrics.latencies[LATENCY_TPOT].mean;
}

static struct played guess(const char *speculation, const char *clients, const char *requests)
{
    return play_serving(SMALL, (const char *const[]){speculation, clients, requests,
                                                     "workload.lengths.output.tokens=401 tokens",
                                                     "software.step=0 s",
                                                     "software.step_sequence=0 s", NULL});
}

/* A tree of one branch is a chain: what EAGLE's head takes, to the digit. Always right, a tree of 3
 * levels gives 4 tokens a step whatever else it has: 400 tokens are 100 steps, and one more that
 * was made up before the end was known. */
START_TEST(trees_are_deep_or_wide)
{
    struct played chain =
        guess(GUESSES("eagle", "3", "", "0.6"), CLOSED("4"), "workload.requests=8");
    struct played thin = guess(GUESSES("tree", "3", ", nodes: 3, width: 1", "0.6"), CLOSED("4"),
                               "workload.requests=8");
    ck_assert_double_eq(tpot(&chain), tpot(&thin));
    struct played right = guess(GUESSES("tree", "3", ", nodes: 12, width: 4", "1"), CLOSED("1"),
                                "workload.requests=2");
    ck_assert_double_eq(right.metrics.tokens_per_verification, 4.0);
    ck_assert_uint_eq(right.metrics.drafts, 2 * 100 * 12 + 12);
    ck_assert_uint_eq(right.free_pages, right.kv_pages);
}
END_TEST

/* 15 nodes and the token before them are 16 rows a sequence. A tree of one level is verified as 15
 * guesses of n-grams are, and its head passes once: layer, joint and head of an EAGLE head of Llama
 * 3 8B are 1.55 GB (test_serving_speculation.c), 0.46 ms at the peak. Two levels of 4 branches: one
 * pass more, over 4 rows. */
START_TEST(a_tree_by_hand)
{
    struct played words =
        guess(GUESSES("ngram", "15", "", "0"), CLOSED("1"), "workload.requests=2");
    struct played level = guess(GUESSES("tree", "1", ", nodes: 15, width: 15", "0"), CLOSED("1"),
                                "workload.requests=2");
    struct played levels = guess(GUESSES("tree", "2", ", nodes: 15, width: 4", "0"), CLOSED("1"),
                                 "workload.requests=2");
    double bytes = 2.0 * (2.0 * 4096 * (4096 + 1024) + 3.0 * 4096 * 14336 + 2.0 * 4096 * 4096 +
                          128256.0 * 4096);
    double pass = bytes / 3.35e12;
    printf("a pass: %.3f ms read at the peak; one level %.3f ms, the second %.3f ms\n", 1e3 * pass,
           1e3 * (tpot(&level) - tpot(&words)), 1e3 * (tpot(&levels) - tpot(&level)));
    ck_assert_double_gt(tpot(&level) - tpot(&words), pass);
    ck_assert_double_lt(tpot(&level) - tpot(&words), 1.5 * pass);
    ck_assert_double_gt(tpot(&levels) - tpot(&level), pass);
    ck_assert_double_lt(tpot(&levels) - tpot(&level), 1.5 * pass);
}
END_TEST

/* Streams: 64 sequences verify 4 tokens each, 256 rows, and with 3 streams beside each the last 8
 * of 32 layers and the head (2 x 128256 x 4096 = 1.05 GFLOP a row) have 1024. A layer is 2 x 218.1
 * M = 436 MFLOP: 8 are 3.49 GFLOP. 768 rows more are 3.49 TFLOP, 3.53 ms at the peak of 989
 * TFLOP/s; 256 rows wait for the weights nearly as long (1.36 ms of reading, 1.2 ms of FLOPs). No
 * weights, no cache: as many pages as with n-grams. */
START_TEST(streams_by_hand)
{
    struct played words =
        guess(GUESSES("ngram", "3", "", "0"), CLOSED("64"), "workload.requests=64");
    struct played streams =
        guess(GUESSES("streams", "3", ", layers: 8", "0"), CLOSED("64"), "workload.requests=64");
    struct played right =
        guess(GUESSES("streams", "3", ", layers: 8", "1"), CLOSED("1"), "workload.requests=2");
    double extra = tpot(&streams) - tpot(&words);
    printf("streams take %.3f ms of a step\n", 1e3 * extra);
    ck_assert_double_gt(extra, 3.2e-3);
    ck_assert_double_lt(extra, 2.0 * 3.53e-3);
    ck_assert_uint_eq(streams.kv_pages, words.kv_pages);
    ck_assert_double_eq(right.metrics.tokens_per_verification, 4.0);
}
END_TEST

/* Under the schedulers of other engines: as many tokens a step (1 + a + a^2 + a^3 = 2.952 of a =
 * 0.8), and nothing is lost, whoever has to give way for want of room. */
START_TEST(other_schedulers)
{
    static const char *const policies[] = {"workload.service.policy=sglang",
                                           "workload.service.policy=no-evict",
                                           "workload.service.policy=max-utilization"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct played played = play_serving(
            SMALL,
            (const char *const[]){"software=sglang", policies[i], GUESSES("eagle", "3", "", "0.8"),
                                  "workload.arrivals.rate=40 /s", "workload.requests=300",
                                  "workload.lengths.output.tokens=300 tokens",
                                  "workload.service.max_batched_tokens=2048 tokens",
                                  "memory.fraction=0.335", NULL});
        printf("%s: %.3f tokens a step, %llu gave way\n", policies[i],
               played.metrics.tokens_per_verification,
               (unsigned long long)played.metrics.preemptions);
        ck_assert_uint_eq(played.metrics.completed, 300);
        ck_assert_uint_eq(played.answers, 300 * 300);
        ck_assert_uint_eq(played.free_pages, played.kv_pages);
        ck_assert_uint_eq(played.over_full, 0);
        ck_assert_double_eq_tol(played.metrics.tokens_per_verification, 2.952, 0.05);
        ck_assert_int_eq(played.metrics.preemptions > 0, i != 1);
    }
}
END_TEST

/* SGLang guesses before it verifies: its prompts' steps have the first pass of the head alone, so
 * that with three guesses a first token comes as soon as with one; vLLM's has two more passes. */
START_TEST(sglang_guesses_late)
{
    double ttft[2][2];
    for (int late = 0; late < 2; late++) {
        for (int more = 0; more < 2; more++) {
            struct played played = play_serving(
                SMALL, (const char *const[]){
                           "software=sglang",
                           late ? "workload.service.policy=sglang" : "workload.service.policy=vllm",
                           more ? GUESSES("eagle", "3", "", "0") : GUESSES("eagle", "1", "", "0"),
                           "workload.lengths.prompt.tokens=4096 tokens", CLOSED("1"),
                           "workload.requests=3", NULL});
            ttft[late][more] = played.metrics.latencies[LATENCY_TTFT].mean;
        }
    }
    ck_assert_double_eq_tol(ttft[1][0], ttft[1][1], 1e-9);
    ck_assert_double_gt(ttft[0][1] - ttft[0][0], 2.0 * 0.46e-3);
}
END_TEST

/* What was guessed wrong leaves its slots: 128 tokens of a prompt and 300 of an answer are never
 * more than them, four that are verified, and a page, though 1,200 were computed. */
START_TEST(wrong_guesses_leave)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){"software=sglang", GUESSES("eagle", "3", "", "0"), CLOSED("1"),
                              "workload.lengths.output.tokens=300 tokens",
                              "workload.service.block=16 tokens", "workload.requests=1", NULL});
    double tokens = played.metrics.kv_max_share * (double)played.kv_pages * 16.0;
    printf("%.0f tokens held at most\n", tokens);
    ck_assert_double_ge(tokens, 128 + 299);
    ck_assert_double_le(tokens, 128 + 300 + 4 + 16);
}
END_TEST

/* GLM 4.5 Air in bf16 on four GPUs, one client, all tokens to the same experts: a further guess is
 * a pass of its layer for multi-token prediction. It reads 2 x 4096 x (12288 + 1024) of attention,
 * 8 of 128 experts and a shared one of 3 x 4096 x 1408, the joint of 2 x 4096^2 and a head of
 * 151552 x 4096: 919 M weights, 460 MB a GPU, 0.137 ms at the peak. */
START_TEST(multi_token_prediction)
{
    double found[2];
    for (size_t i = 0; i < 2; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){"model=glm-4.5-air", "precision=bf16", "layout.tensor=4",
                                         CLOSED("1"), "routing.distinct=0.01",
                                         i == 0 ? GUESSES("mtp", "1", "", "0")
                                                : GUESSES("mtp", "3", "", "0"),
                                         "workload.requests=2", NULL});
        found[i] = tpot(&played);
    }
    struct played right = play_serving(
        SMALL, (const char *const[]){"model=glm-4.5-air", "precision=bf16", "layout.tensor=4",
                                     CLOSED("1"), GUESSES("mtp", "3", "", "1"),
                                     "workload.lengths.output.tokens=81 tokens",
                                     "workload.requests=2", NULL});
    double weights =
        2.0 * 4096 * (12288 + 1024) + 9.0 * 3 * 4096 * 1408 + 2.0 * 4096 * 4096 + 151552.0 * 4096;
    double pass = 2.0 * weights / 4.0 / 3.35e12, each = 0.5 * (found[1] - found[0]);
    printf("a pass: %.3f ms read at the peak, %.3f ms found\n", 1e3 * pass, 1e3 * each);
    ck_assert_double_gt(each, pass);
    ck_assert_double_lt(each, 2.5 * pass); /* small kernels, sums and a gather of logits besides */
    ck_assert_double_eq(right.metrics.tokens_per_verification, 4.0); /* 80 tokens in 20 steps */
    ck_assert_uint_ge(right.metrics.drafts, 2 * 20 * 3);
    ck_assert_uint_le(right.metrics.drafts, 2 * 21 * 3);
}
END_TEST

/* Four ranks with requests of their own that share experts: guesses that are always right divide
 * the time between tokens by four, as long as a step waits for weights; 16 tokens of each rank meet
 * the experts in place of 4. */
START_TEST(ranks_that_share_experts)
{
    static const char *const common[] = {"model=qwen3-30b-a3b",
                                         "precision=bf16",
                                         "layout={tensor: 1, attention_data: 4, expert: 4}",
                                         CLOSED("16"),
                                         "workload.requests=32",
                                         "workload.lengths.output.tokens=81 tokens"};
    struct played of[2];
    for (size_t i = 0; i < 2; i++) {
        of[i] =
            play_serving(SMALL, (const char *const[]){common[0], common[1], common[2], common[3],
                                                      common[4], common[5], "routing.distinct=0.01",
                                                      i == 0 ? GUESSES("ngram", "3", "", "0")
                                                             : GUESSES("ngram", "3", "", "1"),
                                                      NULL});
        ck_assert_uint_eq(of[i].free_pages, 4 * of[i].kv_pages);
    }
    printf("TPOT %.3f ms wrong, %.3f ms right\n", 1e3 * tpot(&of[0]), 1e3 * tpot(&of[1]));
    ck_assert_double_eq(of[1].metrics.tokens_per_verification, 4.0);
    ck_assert_double_eq_tol(tpot(&of[0]) / tpot(&of[1]), 4.0, 0.2);
}
END_TEST

/* Pools: the head's cache of 4 KiB a token goes along with the model's 128 KiB, and those that
 * decode guess from their first step on: 64 tokens after the first are 16 steps of 4. */
START_TEST(pools_guess)
{
    static const char *const layouts[] = {
        "pools={prefill: {layout: {tensor: 2}}, decode: {layout: {tensor: 2}}}",
        "pools={prefill: {layout: {tensor: 4}}, decode: {layout: {tensor: 2}}}"};
    for (size_t i = 0; i < 2; i++) {
        struct played played = play_serving(
            SMALL, (const char *const[]){layouts[i], GUESSES("eagle", "3", "", "1"), CLOSED("2"),
                                         "workload.lengths.output.tokens=65 tokens",
                                         "workload.requests=8", NULL});
        ck_assert_double_eq_tol(played.metrics.moved_bytes, 8.0 * 128 * (131072.0 + 4096.0), 64.0);
        ck_assert_double_eq(played.metrics.tokens_per_verification, 4.0);
        ck_assert_uint_ge(played.metrics.drafts, 8 * 16 * 3);
        ck_assert_uint_le(played.metrics.drafts, 8 * 17 * 3); /* a step was made up ahead */
        ck_assert_uint_eq(played.metrics.completed, 8);
    }
}
END_TEST

/* Of a hybrid model a state is kept for each token that is verified: four times as much. */
START_TEST(states_of_guesses)
{
    double states[2];
    for (int i = 0; i < 2; i++) {
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        const struct override texts[] = {{.text = "model=qwen3-next-80b-a3b"},
                                         {.text = "layout.tensor=4"},
                                         {.text = "software=sglang"},
                                         {.text = GUESSES("mtp", "3", "", "0.8")}};
        const struct scenario *scenario =
            scenario_load(arena, SMALL, texts, i == 0 ? 3 : 4, diagnostics);
        diagnostics_print(diagnostics, stderr);
        ck_assert_ptr_nonnull(scenario);
        struct kv_room room;
        scenario_serving_memory(scenario, &room);
        states[i] = room.state_bytes;
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    ck_assert_double_gt(states[0], 0.0);
    ck_assert_double_eq(states[1], 4.0 * states[0]);
}
END_TEST

RUN_TESTS(serving_guessers, trees_are_deep_or_wide, a_tree_by_hand, streams_by_hand,
          other_schedulers, sglang_guesses_late, wrong_guesses_leave, multi_token_prediction,
          ranks_that_share_experts, pools_guess, states_of_guesses)
