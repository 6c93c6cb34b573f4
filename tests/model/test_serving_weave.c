/* SPDX-License-Identifier: MIT
 * TokenWeave (arXiv 2505.11329) against what its authors measured of Llama 3.3 70B on eight H100
 * (microsoft/tokenweave, artifact/csvs: figures 11a, 12a and 13). Of their tables two sizes of an
 * all-reduce are in the scenario, none of these. Catches kernels that lose nothing beside an
 * exchange, groups that are cut where waves are not full, norms that are not shared. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-token-weave.yaml"

/* Prompts of so many tokens, one at a time: ms as they were and woven. */
START_TEST(latency)
{
    static const struct {
        uint32_t tokens;
        double plain, woven;
    } rows[] = {
        {1024, 53.66, 46.16},  {2048, 94.23, 76.73},    {4096, 179.48, 142.23},
        {8192, 356.0, 279.76}, {16384, 744.11, 585.34}, {32768, 1639.86, 1326.03},
    };
    double best = 0.0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char prompt[64];
        snprintf(prompt, sizeof prompt, "workload.lengths.prompt.tokens=%u tokens", rows[i].tokens);
        struct played plain = play_serving(
            SCENARIO, (const char *const[]){prompt, "workload.service.token_weave=false", NULL});
        struct played woven = play_serving(SCENARIO, (const char *const[]){prompt, NULL});
        double before = 1e3 * plain.metrics.latencies[LATENCY_TTFT].mean;
        double after = 1e3 * woven.metrics.latencies[LATENCY_TTFT].mean;
        double theirs = rows[i].plain / rows[i].woven;
        printf("%5u tokens: %6.1f ms (%+.1f %%), woven %6.1f ms (%+.1f %%): %.3f times, theirs "
               "%.3f (%+.1f %%)\n",
               rows[i].tokens, before, 100.0 * (before / rows[i].plain - 1.0), after,
               100.0 * (after / rows[i].woven - 1.0), before / after, theirs,
               100.0 * (before / after / theirs - 1.0));
        ck_assert_double_eq_tol(before / rows[i].plain, 1.0, 0.03);
        ck_assert_double_eq_tol(after / rows[i].woven, 1.0, 0.11);
        ck_assert_double_eq_tol(before / after / theirs, 1.0, 0.11);
        best = fmax(best, before / after);
    }
    ck_assert_double_eq_tol(best / 1.28, 1.0, 0.10); /* the headline */
}
END_TEST

/* 1000 prompts at once, 128 tokens of answer each, without CUDA graphs: tokens a second. */
START_TEST(throughput)
{
    static const struct {
        uint32_t prompt, step;
        double plain, woven;
    } rows[] = {
        {512, 1024, 15948, 18974},  {512, 2048, 17778, 21295},  {1024, 2048, 18032, 22397},
        {2048, 2048, 19399, 23388}, {1024, 4096, 19094, 23797}, {2048, 8192, 22330, 28183},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rates[2];
        for (int woven = 0; woven < 2; woven++) {
            char prompt[64], step[64], weave[64];
            snprintf(prompt, sizeof prompt, "workload.lengths.prompt.tokens=%u tokens",
                     rows[i].prompt);
            snprintf(step, sizeof step, "workload.service.max_batched_tokens=%u tokens",
                     rows[i].step);
            snprintf(weave, sizeof weave, "workload.service.token_weave=%s",
                     woven ? "true" : "false");
            struct played played = play_serving(
                SCENARIO,
                (const char *const[]){prompt, step, weave, "workload.arrivals={kind: at-once}",
                                      "workload.lengths.output.tokens=128 tokens",
                                      "workload.requests=1000", "software.decode_graph=false",
                                      "workload.service.max_sequences=256", NULL});
            rates[woven] =
                played.metrics.input_tokens_per_second + played.metrics.output_tokens_per_second;
        }
        double gain = rates[1] / rates[0], theirs = rows[i].woven / rows[i].plain;
        printf(
            "%4u in, steps of %u: %.0f tokens/s (%+.1f %%), %.3f times, theirs %.3f (%+.1f %%)\n",
            rows[i].prompt, rows[i].step, rates[0], 100.0 * (rates[0] / rows[i].plain - 1.0), gain,
            theirs, 100.0 * (gain / theirs - 1.0));
        ck_assert_double_eq_tol(gain / theirs, 1.0, 0.12);
        ck_assert_double_eq_tol(rates[0] / rows[i].plain, 1.0, 0.18);
    }
}
END_TEST

RUN_TESTS(serving_weave, latency, throughput)
