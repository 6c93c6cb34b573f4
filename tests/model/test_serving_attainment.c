/* SPDX-License-Identifier: MIT
 * How many requests keep their targets under policies that know of none, and under one that goes by
 * them (sim/serving/batching/policy_deadline.c, by hand in test_serving_deadlines.c). */
#include "run_tests.h"
#include "serving_play.h"

#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-deadlines.yaml"

/* docs/serving.md's table: shares within targets to 3 points, and what each policy is to the other.
 */
START_TEST(attainment)
{
    static const struct {
        const char *policy, *rate;
        double good;
    } rows[] = {
        {"vllm", "4 /s", 0.469}, {"deadline", "4 /s", 0.984}, {"deadline-oracle", "4 /s", 0.984},
        {"vllm", "5 /s", 0.141}, {"deadline", "5 /s", 0.669},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char policy[64], rate[64];
        snprintf(policy, sizeof policy, "workload.service.policy=%s", rows[i].policy);
        snprintf(rate, sizeof rate, "workload.arrivals.rate=%s", rows[i].rate);
        struct played played = play_serving(SCENARIO, (const char *const[]){policy, rate, NULL});
        printf("%s, %s: %.4f\n", rows[i].policy, rows[i].rate, played.metrics.good_share);
        ck_assert_double_eq_tol(played.metrics.good_share, rows[i].good, 0.03);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_eq(played.metrics.completed, 2000);
    }
}
END_TEST

RUN_TESTS(serving_attainment, attainment)
