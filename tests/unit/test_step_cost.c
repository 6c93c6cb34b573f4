/* SPDX-License-Identifier: MIT
 * The remembered price of a step against the price of exactly that batch: rounding and
 * interpolation must not show beside what the models are worth. */
#include "models/numeric/random.h"
#include "run_tests.h"
#include "sim/serving/batching/step_cost.h"

#include <math.h>
#include <stdio.h>

struct worst {
    double error, sum;
    int count;
};

static void add(struct worst *worst, struct step_costs *costs, const struct step_shape *shape)
{
    double exact = step_cost_exact(costs, shape).seconds;
    double error = fabs(step_cost(costs, shape).seconds / exact - 1.0);
    worst->sum += error;
    worst->count++;
    worst->error = fmax(worst->error, error);
}

/* Random batches of Llama 3.1 70B on TP4 and of 405B on TP8 x CP4. */
static void compare(const char *scenario_path, double context, double *most, double *mean)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, scenario_path, NULL, 0, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    struct random_stream random = random_open(1, "shapes");
    struct worst decode = {0}, mixed = {0};
    uint32_t sequences = scenario->serving.service.max_sequences;
    for (int i = 0; i < 150; i++) {
        struct step_shape shape = {
            .decodes = (uint32_t)random_between(&random, 1, sequences),
            .decode_context = floor(context * random_uniform(&random)),
        };
        add(&decode, costs, &shape);
        shape.prompts = (uint32_t)random_between(&random, 1, 4);
        double each = floor(64.0 * exp(3.4 * random_uniform(&random)));
        double cached = random_uniform(&random) < 0.5 ? 0.0 : context * random_uniform(&random);
        shape.prompt_tokens = shape.prompts * (uint64_t)each;
        shape.prompt_pairs = shape.prompts * each * (cached + 0.5 * each);
        add(&mixed, costs, &shape);
    }
    printf("decode: mean %.3f %%, worst %.3f %%; with prompts: mean %.3f %%, worst %.3f %%\n",
           100.0 * decode.sum / decode.count, 100.0 * decode.error, 100.0 * mixed.sum / mixed.count,
           100.0 * mixed.error);
    *most = fmax(decode.error, mixed.error);
    *mean = (decode.sum + mixed.sum) / (decode.count + mixed.count);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

START_TEST(remembered_prices_are_those_of_the_batch)
{
    static const struct {
        const char *scenario;
        double context;
    } cases[] = {
        {CPSIM_SOURCE_DIR "/scenarios/serving-70b-chat.yaml", 16000.0},
        {CPSIM_SOURCE_DIR "/scenarios/serving-405b-long-context.yaml", 400000.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double most = 0.0, mean = 0.0;
        compare(cases[i].scenario, cases[i].context, &most, &mean);
        ck_assert_double_lt(mean, 0.005);
        ck_assert_double_lt(most, 0.035);
    }
}
END_TEST

/* Contexts are priced at 64, 72, 80, ...: between two of them decode takes what lies between their
 * times. */
START_TEST(between_two_contexts)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/serving-70b-chat.yaml", NULL, 0, diagnostics);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    struct step_shape shape = {.decodes = 256};
    double at_64 = step_cost_decode_seconds(costs, &shape, 64.0);
    double at_72 = step_cost_decode_seconds(costs, &shape, 72.0);
    ck_assert_double_gt(at_72, at_64);
    ck_assert_double_eq_tol(step_cost_decode_seconds(costs, &shape, 66.0),
                            0.75 * at_64 + 0.25 * at_72, 1e-15);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

static double prompt_seconds(const char *ring, const struct step_shape *shape)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override override = {.text = ring};
    const struct scenario *scenario =
        scenario_load(arena, CPSIM_SOURCE_DIR "/scenarios/serving-405b-long-context.yaml",
                      &override, 1, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    double seconds = step_cost_exact(costs, shape).seconds;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return seconds;
}

/* `auto` takes the faster ring, whichever that is: a long new prompt goes round by its keys, a
 * short one on a long cache by its queries. */
START_TEST(the_faster_ring)
{
    const struct step_shape shapes[] = {
        {.prompts = 1, .prompt_tokens = 65536, .prompt_pairs = 0.5 * 65536.0 * 65536.0},
        {.prompts = 1, .prompt_tokens = 1024, .prompt_pairs = 1024.0 * (400000.0 + 512.0)},
    };
    double keys[2], queries[2];
    for (int i = 0; i < 2; i++) {
        keys[i] = prompt_seconds("attention.ring=pass-kv", &shapes[i]);
        queries[i] = prompt_seconds("attention.ring=pass-q", &shapes[i]);
        ck_assert_double_eq(prompt_seconds("attention.ring=auto", &shapes[i]),
                            fmin(keys[i], queries[i]));
    }
    ck_assert_double_lt(keys[0], queries[0]);
    ck_assert_double_lt(queries[1], keys[1]);
}
END_TEST

/* One prompt of 65,536 new tokens and four follow-ups of 1,024 on 400,000, in one step. Each as its
 * own Algorithm 5 says (2 x 8 / 128 of new tokens, and T = 16,000 for 16 ranks) takes less than all
 * keys, which send 1.6 million cached tokens round, or all queries, whose way home nothing hides.
 * Of prompts of one kind it is what that kind's rule is. */
START_TEST(each_prompt_its_ring)
{
    const double long_pairs = 0.5 * 65536.0 * 65536.0, short_pairs = 4.0 * 1024.0 * 400512.0;
    struct step_shape shape = {.prompts = 5,
                               .prompt_tokens = 65536 + 4096,
                               .prompt_pairs = long_pairs + short_pairs,
                               .query_prompts = 4,
                               .query_tokens = 4096,
                               .query_pairs = short_pairs};
    double mixed = prompt_seconds("attention.ring=mixed", &shape);
    double keys = prompt_seconds("attention.ring=pass-kv", &shape);
    double queries = prompt_seconds("attention.ring=pass-q", &shape);
    printf("five prompts: mixed %.3f s, keys %.3f s, queries %.3f s\n", mixed, keys, queries);
    ck_assert_double_lt(mixed, fmin(keys, queries));
    struct step_shape follow = {.prompts = 4,
                                .prompt_tokens = 4096,
                                .prompt_pairs = short_pairs,
                                .query_prompts = 4,
                                .query_tokens = 4096,
                                .query_pairs = short_pairs};
    ck_assert_double_eq(prompt_seconds("attention.ring=mixed", &follow),
                        prompt_seconds("attention.ring=pass-q", &follow));
    struct step_shape fresh = {
        .prompts = 1, .prompt_tokens = 65536, .prompt_pairs = 0.5 * 65536.0 * 65536.0};
    ck_assert_double_eq(prompt_seconds("attention.ring=mixed", &fresh),
                        prompt_seconds("attention.ring=pass-kv", &fresh));
}
END_TEST

/* Of a step too small to split the norms' seven eighths are won, for each of eight ranks norms its
 * part; of a large one the sums are hidden too, but not more than all of them and the norms; and
 * never does a step take longer. */
START_TEST(woven_steps)
{
    static const char *const path = CPSIM_SOURCE_DIR "/scenarios/serving-token-weave.yaml";
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct override off = {.text = "workload.service.token_weave=false"};
    const struct scenario *woven = scenario_load(arena, path, NULL, 0, diagnostics);
    const struct scenario *plain = scenario_load(arena, path, &off, 1, diagnostics);
    ck_assert_ptr_nonnull(woven);
    ck_assert_ptr_nonnull(plain);
    struct step_costs *with = step_costs_create(arena, woven, 0, 1.0);
    struct step_costs *without = step_costs_create(arena, plain, 0, 1.0);
    const struct step_shape small = {.decodes = 8, .decode_context = 1024.0};
    struct step_cost alone = step_cost_exact(without, &small);
    ck_assert_double_gt(alone.norm_seconds, 0.0);
    ck_assert_double_eq_tol(step_cost_exact(with, &small).seconds,
                            alone.seconds - 7.0 / 8.0 * alone.norm_seconds, 1e-12);
    double most = 0.0;
    for (uint64_t tokens = 128; tokens <= 32768; tokens *= 2) {
        double square = (double)tokens * (double)tokens;
        const struct step_shape prompt = {
            .prompts = 1, .prompt_tokens = tokens, .prompt_pairs = 0.5 * square};
        struct step_cost before = step_cost_exact(without, &prompt);
        double after = step_cost_exact(with, &prompt).seconds;
        double hidden = before.seconds - after;
        printf("%6.0f tokens: %.1f ms, woven %.1f ms, %.2f times\n", (double)tokens,
               1e3 * before.seconds, 1e3 * after, before.seconds / after);
        most = fmax(most, before.seconds / after);
        ck_assert_double_ge(hidden, 7.0 / 8.0 * before.norm_seconds * (1.0 - 1e-9));
        ck_assert_double_lt(hidden, before.norm_seconds + before.sum_seconds);
        if (tokens >= 2048) {
            ck_assert_double_gt(hidden, before.norm_seconds);
        }
    }
    ck_assert_double_eq_tol(most, 1.39, 0.02); /* tests/model/test_serving_weave.c has theirs */
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

/* What costs remember of products that other batches had changes no bit of a price: a thousand
 * batches priced one after another, against costs that know of none. Rows come back, and others
 * take their places. */
START_TEST(remembered_products)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    static const char *const paths[] = {
        CPSIM_SOURCE_DIR "/scenarios/serving-70b-chat.yaml",
        CPSIM_SOURCE_DIR "/scenarios/serving-deepseek-v3.yaml",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct scenario *scenario = scenario_load(arena, paths[i], NULL, 0, diagnostics);
        ck_assert_ptr_nonnull(scenario);
        struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
        struct random_stream random = random_open(1, "products");
        for (int j = 0; j < 1000; j++) {
            struct step_shape shape = {.decodes = (uint32_t)random_between(&random, 1, 40),
                                       .decode_context = 1000.0,
                                       .prompts = 1,
                                       .prompt_tokens = random_between(&random, 1, 1500)};
            shape.prompt_pairs = 0.5 * (double)shape.prompt_tokens * (double)shape.prompt_tokens;
            struct step_cost known = step_cost_exact(costs, &shape);
            if (j % 20 == 0) {
                struct step_costs *fresh = step_costs_create(arena, scenario, 0, 1.0);
                struct step_cost anew = step_cost_exact(fresh, &shape);
                ck_assert(!(known.seconds < anew.seconds) && !(known.seconds > anew.seconds));
                ck_assert(!(known.watts < anew.watts) && !(known.watts > anew.watts));
                ck_assert(!(known.bytes < anew.bytes) && !(known.bytes > anew.bytes));
            }
        }
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(step_cost, remembered_products, woven_steps, remembered_prices_are_those_of_the_batch,
          between_two_contexts, the_faster_ring, each_prompt_its_ring)
