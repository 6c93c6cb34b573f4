/* SPDX-License-Identifier: MIT
 * What theory.h says of a service, against services that were played: the simulation tends to it.
 */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define DRAWN                                                                                      \
    "workload.lengths.prompt={kind: lognormal, mean: 512, variation: 1}",                          \
        "workload.lengths.output={kind: lognormal, mean: 200, variation: 1}"

/* Requests that all wait from the beginning: what is completed a second is the fluid limit, but for
 * the last answers, which are no longer than twice the mean so that they are few. */
static void expect_capacity(const char *what, const char *first, const char *second, double off,
                            const char *seats)
{
    const char *const overrides[] = {
        "workload.arrivals={kind: at-once}",
        "workload.requests=8000",
        "workload.lengths.prompt={kind: lognormal, mean: 512, variation: 1}",
        "workload.lengths.output={kind: uniform, least: 1 tokens, most: 400 tokens}",
        first,
        second,
        NULL};
    struct played played = play_serving(SMALL, overrides);
    const struct load_theory *theory = &played.metrics.theory;
    double ratio = played.metrics.requests_per_second / theory->capacity_per_second;
    printf("%-32s %7.2f requests/s, by theory %7.2f (%+.1f %%)\n", what,
           played.metrics.requests_per_second, theory->capacity_per_second, 100.0 * (ratio - 1.0));
    ck_assert_double_eq_tol(ratio, 1.0, off);
    ck_assert_str_eq(seat_limit_name(theory->seats), seats);
    ck_assert_double_eq(theory->load, 0.0);
}

START_TEST(batches_tend_to_the_fluid_limit)
{
    expect_capacity("16 sequences", "workload.service.max_sequences=16", NULL, 0.04,
                    "max-sequences");
    expect_capacity("64 sequences", "workload.service.max_sequences=64", NULL, 0.04,
                    "max-sequences");
    expect_capacity("256 sequences", "workload.service.max_sequences=256", NULL, 0.04,
                    "max-sequences");
    expect_capacity("prompts first", "workload.service.max_sequences=64",
                    "workload.service.policy=prefill-first", 0.04, "max-sequences");
    expect_capacity("steps of 256 tokens", "workload.service.max_sequences=96",
                    "workload.service.max_batched_tokens=256 tokens", 0.06, "step-tokens");
    expect_capacity("room to the end in a small cache", "workload.service.policy=no-evict",
                    "memory.fraction=0.28", 0.1, "kv-room");
    expect_capacity("two replicas", "workload.service.max_sequences=64", "layout.data=2", 0.06,
                    "max-sequences");
}
END_TEST

/* Half of the capacity and less: those in the service are as many as where all share it, whatever
 * their lengths. */
START_TEST(arrivals_share_a_server)
{
    static const double rates[] = {2.0, 5.0, 10.0, 20.0};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char rate[48];
        snprintf(rate, sizeof rate, "workload.arrivals.rate=%.0f /s", rates[i]);
        const char *const overrides[] = {rate, DRAWN, NULL};
        struct played played = play_serving(SMALL, overrides);
        const struct load_theory *theory = &played.metrics.theory;
        printf(
            "%2.0f /s, %2.0f %% of capacity: %6.2f in the service, by theory %6.2f; Little %6.2f\n",
            rates[i], 100.0 * theory->load, theory->in_service, theory->shared_number,
            theory->little_number);
        ck_assert_double_eq_tol(theory->shared_number / theory->in_service, 1.0, 0.05);
        ck_assert_double_eq_tol(theory->little_number / theory->in_service, 1.0, 0.01);
        ck_assert_double_eq_tol(theory->shared_seconds / played.metrics.latencies[LATENCY_E2E].mean,
                                1.0, 0.05);
    }
}
END_TEST

/* One at a time: the wait from prices of steps alone, nothing measured. 20,000 requests. */
START_TEST(one_at_a_time_waits)
{
    const char *const overrides[] = {"workload.service.max_sequences=1",
                                     "workload.arrivals.rate=1.4 /s",
                                     "workload.lengths.output={kind: exponential, mean: 64}", NULL};
    struct played played = play_serving(SMALL, overrides);
    double wait = played.metrics.latencies[LATENCY_QUEUE].mean;
    double theory = played.metrics.theory.wait_seconds;
    printf("waits %.4f s, by theory %.4f s\n", wait, theory);
    ck_assert_double_eq_tol(theory / wait, 1.0, 0.12);
    ck_assert_double_lt(played.metrics.theory.shared_number, 0.0);
}
END_TEST

/* Twice the capacity comes: the load says so, nothing shares, and Little's law does not hold of a
 * service that fills. */
START_TEST(too_much_is_said)
{
    const char *const overrides[] = {"workload.arrivals.rate=50 /s",
                                     "workload.service.max_sequences=64", "workload.requests=5000",
                                     DRAWN, NULL};
    struct played played = play_serving(SMALL, overrides);
    const struct load_theory *theory = &played.metrics.theory;
    ck_assert_double_eq_tol(theory->load, 2.0, 0.1);
    ck_assert(isinf(theory->shared_number));
    ck_assert(!played.metrics.sustained);
    ck_assert_double_gt(theory->little_number, 1.5 * theory->in_service);
}
END_TEST

/* Where no law is at hand it is said why. */
START_TEST(silence_has_a_reason)
{
    const char *const overrides[] = {"workload.service.policy=static", "workload.requests=50",
                                     NULL};
    struct played played = play_serving(SMALL, overrides);
    ck_assert(played.metrics.theory.silent != NULL);
    ck_assert_double_eq(played.metrics.theory.capacity_per_second, 0.0);
}
END_TEST

RUN_TESTS(serving_theory, batches_tend_to_the_fluid_limit, arrivals_share_a_server,
          one_at_a_time_waits, too_much_is_said, silence_has_a_reason)
