/* SPDX-License-Identifier: MIT
 * What a search asks of a run besides: nothing of it may change what happens. Shared prices give
 * the same figures to the last bit, a goal says no exactly when the whole run's 99th percentiles
 * do, and a preview foresees the requests. */
#include "run_tests.h"
#include "serving_play.h"

#include "sim/serving/batching/price_store.h"
#include "sim/serving/result/figures.h"

static const char small[] = CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml";

#define LOAD(rate)                                                                                 \
    "workload.requests=400", "workload.arrivals.rate=" rate " /s", "workload.warm_up=5 s",         \
        "workload.lengths.prompt={kind: lognormal, mean: 512, variation: 1}",                      \
        "workload.lengths.output={kind: lognormal, mean: 100, variation: 1}"

static const struct {
    const char *name, *overrides[8];
} loads[] = {
    {"light", {LOAD("5"), NULL}},
    {"busy", {LOAD("40"), NULL}},
    {"too much", {LOAD("120"), NULL}},
    {"prefill-first", {LOAD("40"), "workload.service.policy=prefill-first", NULL}},
    {"pipeline", {LOAD("40"), "layout.pipeline=2", NULL}},
    {"pools",
     {LOAD("40"), "layout.data=3",
      "workload.service={policy: disaggregated, prefill_replicas: 1, max_sequences: 64}", NULL}},
};
enum { LOAD_COUNT = sizeof loads / sizeof *loads };

/* Every figure that is a member, to the last bit. The struct itself has holes, whose bytes are
 * nobody's. */
static bool same_figures(const struct serving_metrics *a, const struct serving_metrics *b)
{
    const struct figure_table *table = &serving_tables[SERVING_ALL];
    for (size_t i = 0; i < table->count; i++) {
        const struct figure *figure = &table->figures[i];
        if (figure->number != NULL) {
            continue; /* it may ask the run, whose process has ended */
        }
        double of_a = figure_number(figure, a), of_b = figure_number(figure, b);
        if (memcmp(&of_a, &of_b, sizeof of_a) != 0) {
            printf("%s: %.17g and %.17g\n", figure->name, of_a, of_b);
            return false;
        }
    }
    return true;
}

START_TEST(shared_prices_change_nothing)
{
    struct price_store *store = price_store_create();
    ck_assert_ptr_nonnull(store);
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        bool piped = strcmp(loads[i].name, "pipeline") == 0; /* another kind of replica */
        const struct serving_options sharing = {.prices = store, .price_kind = piped ? 8 : 7};
        struct played alone = play_serving(small, loads[i].overrides);
        struct played first = play_serving_with(small, loads[i].overrides, &sharing);
        struct played again = play_serving_with(small, loads[i].overrides, &sharing);
        ck_assert_msg(same_figures(&alone.metrics, &first.metrics) &&
                          same_figures(&alone.metrics, &again.metrics),
                      "%s: other figures with shared prices", loads[i].name);
        ck_assert_uint_le(first.programs, alone.programs);
        ck_assert_uint_eq(again.programs, 0); /* all of its prices were there */
    }
    price_store_destroy(store);
}
END_TEST

START_TEST(kinds_of_replica_do_not_mix)
{
    struct price_store *store = price_store_create();
    const struct price_key key = {.kind = 1, .decodes = 3, .decode_context = 100};
    const struct price_key other = {.kind = 2, .decodes = 3, .decode_context = 100};
    struct step_cost cost = {.seconds = 0.5, .watts = 300.0}, found = {0};
    ck_assert(!price_store_find(store, &key, &found));
    price_store_put(store, &key, &cost);
    ck_assert(price_store_find(store, &key, &found));
    ck_assert_double_eq(found.seconds, 0.5);
    ck_assert_double_eq(found.watts, 300.0);
    ck_assert(!price_store_find(store, &other, &found));
    price_store_destroy(store);
}
END_TEST

/* 300 values: the 99th percentile is the 297th, three may lie above it. 64: the 64th, none. */
START_TEST(misses_that_a_percentile_leaves_out)
{
    ck_assert_uint_eq(goal_misses_allowed(300), 3);
    ck_assert_uint_eq(goal_misses_allowed(299), 2);
    ck_assert_uint_eq(goal_misses_allowed(64), 0);
    ck_assert_uint_eq(goal_misses_allowed(0), 0);
}
END_TEST

/* Limits around the run's own percentiles, so that it keeps some and misses others by a hair. */
START_TEST(a_goal_says_what_the_percentiles_say)
{
    static const double factors[] = {0.5, 0.98, 1.0, 1.02, 2.0};
    struct price_store *store = price_store_create();
    int early = 0;
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        struct played whole = play_serving(small, loads[i].overrides);
        double ttft = whole.metrics.latencies[LATENCY_TTFT].p99;
        double tpot = whole.metrics.latencies[LATENCY_TPOT].p99;
        for (size_t j = 0; j < 5; j++) {
            for (size_t k = 0; k < 5; k++) {
                const struct serving_goal goal = {factors[j] * ttft, factors[k] * tpot};
                const struct serving_options options = {
                    .goal = &goal, .prices = store, .price_kind = i};
                struct played played = play_serving_with(small, loads[i].overrides, &options);
                bool keeps = ttft <= goal.ttft_seconds && tpot <= goal.tpot_seconds;
                /* It may end before it is sure: then its percentiles say it. */
                bool kept = !played.missed &&
                            played.metrics.latencies[LATENCY_TTFT].p99 <= goal.ttft_seconds &&
                            played.metrics.latencies[LATENCY_TPOT].p99 <= goal.tpot_seconds;
                ck_assert_msg(kept == keeps, "%s, %g x TTFT and %g x TPOT: %d", loads[i].name,
                              factors[j], factors[k], kept);
                ck_assert(played.missed || same_figures(&played.metrics, &whole.metrics));
                early += played.missed && played.end_seconds < 0.9 * whole.end_seconds;
            }
        }
    }
    price_store_destroy(store);
    ck_assert_int_gt(early, 20);
}
END_TEST

START_TEST(a_preview_foresees_the_requests)
{
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        ck_assert_uint_eq(play_serving(small, loads[i].overrides).unforeseen, 0);
    }
    static const char *const gamma[] = {
        "workload.arrivals={kind: gamma, rate: 10 /s, variation: 2}", "workload.requests=300",
        "workload.lengths.prompt={kind: uniform, least: 10 tokens, most: 900 tokens}", NULL};
    ck_assert_uint_eq(play_serving(small, gamma).unforeseen, 0);
}
END_TEST

RUN_TESTS(serving_options, shared_prices_change_nothing, kinds_of_replica_do_not_mix,
          misses_that_a_percentile_leaves_out, a_goal_says_what_the_percentiles_say,
          a_preview_foresees_the_requests)
