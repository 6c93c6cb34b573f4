/* SPDX-License-Identifier: MIT
 * Speculative decoding: what guesses give in the mean, what they cost, where they lie. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/passes/memory.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"

#include <math.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define LARGE CPSIM_SOURCE_DIR "/scenarios/serving-speculation.yaml"

#define CLOSED(clients) "workload.arrivals={kind: closed-loop, clients: " clients "}"

static double tpot(const struct played *played)
{
    return played->metrics.latencies[LATENCY_TPOT].mean;
}

static struct played guess(const char *speculation, const char *clients, const char *requests)
{
    return play_serving(SMALL, (const char *const[]){speculation, clients, requests,
                                                     "workload.lengths.output.tokens=400 tokens",
                                                     "software.step=0 s",
                                                     "software.step_sequence=0 s", NULL});
}

/* Each guess is right with a when all before it were: 1 + a + ... + a^k = (1 - a^(k + 1)) / (1 - a)
 * tokens a step. 8 clients' 200 answers of 400 are some 30,000 verifications, good to 1 %. By
 * position 0.9, 0.5, 0.2: 1 + 0.9 + 0.45 + 0.09 = 2.44. A file of 1, 2, 2 and 4: 2.25. */
START_TEST(tokens_a_step)
{
    struct played played = guess("workload.service.speculation={kind: ngram, tokens: 4, "
                                 "acceptance: {kind: rate, rate: 0.8}}",
                                 CLOSED("8"), "workload.requests=200");
    double expected = (1.0 - pow(0.8, 5.0)) / (1.0 - 0.8);
    ck_assert_double_eq_tol(played.metrics.tokens_per_verification / expected, 1.0, 0.01);
    ck_assert_double_eq_tol(played.metrics.accepted_share, (expected - 1.0) / 4.0, 0.01);
    ck_assert_uint_eq(played.answers, 200 * 400);
    ck_assert_uint_eq(played.free_pages, played.kv_pages);
    played = guess("workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: "
                   "positions, rates: [0.9, 0.5, 0.2]}}",
                   CLOSED("8"), "workload.requests=200");
    ck_assert_double_eq_tol(played.metrics.tokens_per_verification, 2.44, 0.025);
    char path[] = "/tmp/cpsim-accepted-XXXXXX", text[256];
    write_table(path, "1\n2\n2\n4\n");
    snprintf(text, sizeof text,
             "workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: file, file: "
             "%s}}",
             path);
    played = guess(text, CLOSED("8"), "workload.requests=200");
    ck_assert_double_eq_tol(played.metrics.tokens_per_verification, 2.25, 0.025);
    remove(path);
}
END_TEST

/* Guesses that are always right and cost nothing: k + 1 tokens a step, and while a step waits for
 * the weights, which it reads once, it takes hardly longer: TPOT is a fourth. Guesses that are
 * never right change nothing but that. A look-up of 2 ms is in each step. */
START_TEST(steps_by_hand)
{
    struct played plain = guess("seed=0", CLOSED("1"), "workload.requests=5");
    struct played right = guess(
        "workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: rate, rate: 1}}",
        CLOSED("1"), "workload.requests=5");
    struct played wrong = guess(
        "workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: rate, rate: 0}}",
        CLOSED("1"), "workload.requests=5");
    struct played slow =
        guess("workload.service.speculation={kind: ngram, tokens: 3, lookup: 2 ms, "
              "acceptance: {kind: rate, rate: 0}}",
              CLOSED("1"), "workload.requests=5");
    printf("TPOT %.3f ms; with 3 guesses right %.3f ms, wrong %.3f ms\n", 1e3 * tpot(&plain),
           1e3 * tpot(&right), 1e3 * tpot(&wrong));
    /* 399 tokens after the first are 99.75 steps, so 100, of 4. */
    ck_assert_double_eq_tol(tpot(&right) * 399.0 / 100.0, tpot(&wrong), 0.01 * tpot(&wrong));
    ck_assert_double_eq_tol(tpot(&wrong) / tpot(&plain), 1.0, 0.1);
    ck_assert_double_eq_tol(tpot(&slow) - tpot(&wrong), 2e-3, 1e-6);
    ck_assert_double_eq(right.metrics.tokens_per_verification, 4.0);
    ck_assert_uint_eq(wrong.metrics.accepted, 0);
}
END_TEST

/* An EAGLE head of Llama 3 8B, bf16: a layer has 2 x 4096 x (4096 + 1024) + 3 x 4096 x 14336 =
 * 218.1 M weights (and 8192 of norms), the product that joins two vectors 2 x 4096^2 = 33.6 M: 503
 * MB; its cache takes 2 x 8 x 128 x 2 B = 4 KiB a token beside the model's 128 KiB. Each pass reads
 * the layer, the joint and the head of 128256 x 4096: 1.55 GB, 0.46 ms at 3.35 TB/s. Three guesses
 * are three passes, five are five. */
START_TEST(heads_by_hand)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override eagle = {.text = "workload.service.speculation={kind: eagle, tokens: 3, "
                                           "acceptance: {kind: rate, rate: 0}}"};
    const struct scenario *scenario = scenario_load(arena, SMALL, &eagle, 1, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    double layer = 2.0 * 4096 * (4096 + 1024) + 3.0 * 4096 * 14336 + 8192.0;
    double bytes = 2.0 * (layer + 2.0 * 4096 * 4096);
    ck_assert_double_eq_tol(speculation_weight_bytes(scenario), bytes, 1e-6 * bytes);
    ck_assert_double_eq(speculation_token_bytes(scenario, &scenario->layout), 4096.0);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    static const char *const three[] = {
        "workload.service.speculation={kind: eagle, tokens: 3, acceptance: {kind: rate, rate: 0}}",
        "workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: rate, rate: 0}}",
        "workload.service.speculation={kind: eagle, tokens: 5, acceptance: {kind: rate, rate: 0}}",
        "workload.service.speculation={kind: ngram, tokens: 5, acceptance: {kind: rate, rate: 0}}"};
    double found[4];
    for (size_t i = 0; i < 4; i++) {
        struct played played = guess(three[i], CLOSED("1"), "workload.requests=2");
        found[i] = tpot(&played);
    }
    double pass = (bytes + 2.0 * 128256 * 4096) / 3.35e12;
    printf("a pass: %.3f ms read at the peak; three %.3f ms, five %.3f ms\n", 1e3 * pass,
           1e3 * (found[0] - found[1]), 1e3 * (found[2] - found[3]));
    ck_assert_double_gt(found[0] - found[1], 3.0 * pass);
    ck_assert_double_lt(found[0] - found[1], 3.0 * 1.5 * pass);
    ck_assert_double_eq_tol((found[2] - found[3]) / (found[0] - found[1]), 5.0 / 3.0, 0.03);
}
END_TEST

/* A step's budget counts guesses: of 16 tokens, four sequences' four. Sixteen clients then take
 * four times as long as four do. */
START_TEST(the_budget_counts_guesses)
{
    static const char *const common =
        "workload.service={max_batched_tokens: 16 tokens, max_sequences: 16, speculation: {kind: "
        "ngram, tokens: 3, acceptance: {kind: rate, rate: 0}}}";
    struct played four = guess(common, CLOSED("4"), "workload.requests=8");
    struct played sixteen = guess(common, CLOSED("16"), "workload.requests=32");
    double ratio = sixteen.metrics.output_tokens_per_second / four.metrics.output_tokens_per_second;
    printf("sixteen clients over four: %.3f of the throughput\n", ratio);
    ck_assert_double_le(four.metrics.mean_batch, 4.0);
    ck_assert_double_le(sixteen.metrics.mean_batch, 4.5);
    ck_assert_double_lt(ratio, 1.2);
}
END_TEST

/* A drafting model of its own: 1 B parameters guess for 8 B. A layer for multi-token prediction is
 * what the model's file says there is. Whatever leaves or gives way, nothing is lost. */
START_TEST(models_that_guess)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){"model=llama3.1-8b",
                              "workload.service.speculation={kind: draft-model, tokens: 3, "
                              "model: llama3.2-1b, acceptance: {kind: rate, rate: 0.7}}",
                              "workload.arrivals.rate=40 /s", "workload.requests=500",
                              "workload.lengths.output.tokens=300 tokens", "memory.fraction=0.265",
                              "workload.cancel={share: 0.2, after: 3 s}", NULL});
    ck_assert_uint_gt(played.metrics.cancelled, 10);
    ck_assert_uint_eq(played.metrics.cancelled + played.metrics.completed, 500);
    ck_assert_uint_eq(played.free_pages, played.kv_pages);
    ck_assert_uint_eq(played.over_full, 0);
    ck_assert_uint_gt(played.metrics.preemptions, 0);
    ck_assert_double_eq_tol(played.metrics.tokens_per_verification, 1.0 + 0.7 + 0.49 + 0.343, 0.05);
}
END_TEST

/* docs/serving.md's table: output tokens a second with and without an EAGLE head, to 5 %. */
START_TEST(where_it_stops_to_pay)
{
    static const struct {
        const char *clients;
        double plain, guessed;
    } rows[] = {{"8", 1147.2, 1586.5}, {"64", 7144.4, 8104.2}, {"128", 10793.0, 9822.1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char clients[64];
        snprintf(clients, sizeof clients, "workload.arrivals.clients=%s", rows[i].clients);
        struct played plain = play_serving(
            LARGE, (const char *const[]){clients, "workload.service.speculation.tokens=0", NULL});
        struct played guessed = play_serving(LARGE, (const char *const[]){clients, NULL});
        double of[] = {plain.metrics.output_tokens_per_second,
                       guessed.metrics.output_tokens_per_second};
        printf("%s clients: %.5g and %.5g tokens/s\n", rows[i].clients, of[0], of[1]);
        ck_assert_double_eq_tol(of[0] / rows[i].plain, 1.0, 0.05);
        ck_assert_double_eq_tol(of[1] / rows[i].guessed, 1.0, 0.05);
        ck_assert_int_eq(of[1] > of[0], rows[i].guessed > rows[i].plain);
    }
}
END_TEST

/* docs/serving.md's picture: five guesses stop paying before 64 clients and not before 32, one pays
 * with 512. */
START_TEST(more_guesses_stop_to_pay_sooner)
{
    static const struct {
        const char *clients, *tokens;
        bool pays;
    } rows[] = {{"32", "5", true}, {"64", "5", false}, {"512", "1", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char clients[64], tokens[64];
        snprintf(clients, sizeof clients, "workload.arrivals.clients=%s", rows[i].clients);
        snprintf(tokens, sizeof tokens, "workload.service.speculation.tokens=%s", rows[i].tokens);
        struct played plain = play_serving(
            LARGE, (const char *const[]){clients, "workload.service.speculation.tokens=0", NULL});
        struct played guessed = play_serving(LARGE, (const char *const[]){clients, tokens, NULL});
        ck_assert_int_eq(guessed.metrics.output_tokens_per_second >
                             plain.metrics.output_tokens_per_second,
                         rows[i].pays);
    }
}
END_TEST

RUN_TESTS(serving_speculation, tokens_a_step, steps_by_hand, heads_by_hand,
          the_budget_counts_guesses, models_that_guess, where_it_stops_to_pay,
          more_guesses_stop_to_pay_sooner)
