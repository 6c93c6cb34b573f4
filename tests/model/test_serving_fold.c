/* SPDX-License-Identifier: MIT
 * A run that does not keep its requests (sim/serving/result/fold.h) against the same run that does.
 * What is played must not differ in a bit: a place that was given away while somebody still named
 * it would. Sums and means differ by rounding, quantiles by half a bin, 1 / 2048, and levels by
 * what lies in a cell of time. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define SCENARIO(name) CPSIM_SOURCE_DIR "/scenarios/serving-" name ".yaml"

enum { OVERRIDES = 10 };
struct way {
    const char *scenario;
    const char *overrides[OVERRIDES];
};

/* All that may end a request, or name it after its end. */
static const struct way ways[] = {
    {SMALL, {"workload.requests=3000", "workload.arrivals.rate=20 /s"}},
    {SMALL,
     {"workload.requests=3000", "workload.arrivals.rate=60 /s", "layout.data=3",
      "workload.lengths.output={kind: exponential, mean: 60}", "workload.warm_up=4 s",
      "workload.slo={ttft: 60 ms}"}},
    {SMALL, {"workload.requests=2000", "workload.arrivals={kind: closed-loop, clients: 24}"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=8 /s",
      "workload.sessions={turns: 3, think: 1 s}"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=30 /s", "layout.pipeline=2",
      "workload.lengths.output={kind: exponential, mean: 60}"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=30 /s", "layout.pipeline=2",
      "workload.timeout=1 s", "workload.cancel={share: 0.2, after: 200 ms}"}},
    {SMALL,
     {"workload.requests=2000", "workload.arrivals.rate=80 /s", "workload.service.max_sequences=8",
      "workload.timeout={total: 3 s, first_token: 1 s}",
      "workload.cancel={share: 0.3, after: 1 s}"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=80 /s", "workload.service.max_sequences=8",
      "workload.service.max_wait=500 ms"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=30 /s", "workload.service.policy=static"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=30 /s",
      "workload.service.policy=max-utilization"}},
    {SMALL,
     {"workload.requests=1500", "workload.arrivals.rate=30 /s", "layout.data=2",
      "workload.faults=[{kind: replica, replica: 0, at: 2 s, duration: 5 s}, {kind: "
      "replica, replica: 1, at: 4 s, duration: 1 s}]"}},
    /* Several come within a step, and take the places of those that ended in the one before. */
    {SMALL,
     {"workload.requests=4000", "workload.arrivals.rate=400 /s",
      "workload.lengths.output={kind: exponential, mean: 12}",
      "workload.service.speculation={kind: eagle, tokens: 3, acceptance: {kind: rate, rate: "
      "0.6}}"}},
    {SMALL,
     {"workload.requests=4000", "workload.arrivals.rate=400 /s",
      "layout={tensor: 1, data: 2, pipeline: 4}",
      "workload.lengths.output={kind: exponential, mean: 12}",
      "workload.cancel={share: 0.7, after: 100 ms}"}},
    {SCENARIO("bursts"), {NULL}},
    {SCENARIO("deadlines"), {NULL}},
    {SCENARIO("scale-to-zero"), {NULL}},
    {SCENARIO("disaggregated"), {"workload.requests=1000"}},
    {SCENARIO("deepseek-v3"), {"workload.requests=1000"}},
    {SCENARIO("pools-deepseek"), {NULL}},
    {SCENARIO("faults"), {"workload.requests=1000"}},
    {SCENARIO("gpu-failures"), {NULL}},
    {SCENARIO("kv-tiers"), {"workload.requests=1000"}},
    {SCENARIO("lora"), {"workload.requests=1000"}},
    {SCENARIO("mixed"), {"workload.requests=1000"}},
    {SCENARIO("routers"), {"workload.requests=1000"}},
    {SCENARIO("speculation"), {NULL}},
};

static void expect_near(const char *what, double folded, double kept, double share)
{
    ck_assert_msg(fabs(folded - kept) <= share * fabs(kept) + 1e-12, "%s: %.17g folded, %.17g kept",
                  what, folded, kept);
}

/* Cells of time are small, not nothing: to a hundredth, or a thousandth of a request. */
static void expect_level(double folded, double kept)
{
    ck_assert_double_eq_tol(folded, kept, 0.01 * kept + 1e-3);
}

static void expect_latencies(const struct serving_metrics *folded,
                             const struct serving_metrics *kept)
{
    static const double HALF_A_BIN = 1.0 / 2048.0;
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *a = &folded->latencies[i], *b = &kept->latencies[i];
        ck_assert_uint_eq(a->count, b->count);
        expect_near("mean", a->mean, b->mean, 1e-12);
        ck_assert_double_eq(a->max, b->max);
        expect_near("p50", a->p50, b->p50, HALF_A_BIN);
        expect_near("p90", a->p90, b->p90, HALF_A_BIN);
        expect_near("p95", a->p95, b->p95, HALF_A_BIN);
        expect_near("p99", a->p99, b->p99, HALF_A_BIN);
    }
}

static void expect_same(const struct serving_metrics *folded, const struct serving_metrics *kept)
{
#define COUNT(member) ck_assert_uint_eq(folded->member, kept->member)
#define SUM(member) expect_near(#member, folded->member, kept->member, 1e-12)
    COUNT(requests);
    COUNT(completed);
    COUNT(measured);
    COUNT(rejected);
    COUNT(lost);
    COUNT(retries);
    COUNT(refused);
    COUNT(timed_out);
    COUNT(cancelled);
    COUNT(wasted_tokens);
    COUNT(input_tokens);
    COUNT(output_tokens);
    COUNT(preemptions);
    COUNT(adapter_waits);
    SUM(max_keys);
    SUM(seconds);
    SUM(requests_per_second);
    SUM(input_tokens_per_second);
    SUM(output_tokens_per_second);
    SUM(goodput);
    SUM(hit_share);
    SUM(tier_share[TIER_HOST]);
    SUM(tier_load_seconds);
    SUM(move_seconds);
    SUM(room_seconds);
    expect_latencies(folded, kept);
}

/* What servers did, to the bit, and figures of all. */
static void expect_played(const struct serving_metrics *folded, const struct serving_metrics *kept)
{
    COUNT(steps);
    COUNT(events);
    ck_assert_double_eq(folded->end_seconds, kept->end_seconds);
    ck_assert_double_eq(folded->joules, kept->joules);
    SUM(mfu);
    SUM(adapter_hit_share);
    SUM(theory.capacity_per_second);
    SUM(theory.little_number);
    expect_level(folded->theory.in_service, kept->theory.in_service);
    expect_level(folded->in_service_early, kept->in_service_early);
    expect_level(folded->in_service_late, kept->in_service_late);
    ck_assert(folded->sustained == kept->sustained);
#undef SUM
#undef COUNT
}

START_TEST(folds_as_it_keeps)
{
    const struct way *way = &ways[_i];
    struct played kept = play_serving(way->scenario, way->overrides);
    struct played folded =
        play_serving_with(way->scenario, way->overrides, &(struct serving_options){.keeps = 1});
    printf("%s %s: %u places of %llu requests\n", way->scenario,
           way->overrides[0] != NULL && way->overrides[1] != NULL ? way->overrides[1] : "",
           folded.places, (unsigned long long)kept.metrics.requests);
    ck_assert_uint_eq(kept.places, kept.metrics.requests);
    ck_assert_uint_lt(folded.places, kept.places);
    expect_same(&folded.metrics, &kept.metrics);
    expect_played(&folded.metrics, &kept.metrics);
    ck_assert_uint_eq(folded.metrics.class_count, kept.metrics.class_count);
    for (size_t i = 0; i < kept.metrics.class_count && i < 4; i++) {
        expect_same(&folded.classes[i], &kept.classes[i]);
    }
}
END_TEST

/* 20 requests a second that stay for half a second: some ten, and places of no more than are there
 * at once, and in two decisions. */
START_TEST(places_are_few)
{
    struct played folded = play_serving_with(
        SMALL,
        (const char *const[]){"workload.requests=20000", "workload.arrivals.rate=20 /s", NULL},
        &(struct serving_options){.keeps = 19999});
    ck_assert_uint_lt(folded.places, 200);
    /* As many as are kept are kept. */
    struct played kept = play_serving_with(
        SMALL,
        (const char *const[]){"workload.requests=2000", "workload.arrivals.rate=20 /s", NULL},
        &(struct serving_options){.keeps = 2000});
    ck_assert_uint_eq(kept.places, 2000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serving_fold");
    TCase *tcase = tcase_create("serving_fold");
    tcase_set_timeout(tcase, 1200);
    tcase_add_loop_test(tcase, folds_as_it_keeps, 0, (int)(sizeof ways / sizeof *ways));
    tcase_add_test(tcase, places_are_few);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
