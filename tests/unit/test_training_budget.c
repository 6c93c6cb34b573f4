/* SPDX-License-Identifier: MIT
 * A budget turned round, by hand: what FLOPs, GPU-hours and dollars are of each other at a rate
 * that is given. The laws behind it have tests of their own. */
#include "sim/training/training_budget.h"

#include "run_tests.h"

#include <stdio.h>

/* 512 GPUs that train the scenario's model at a million tokens a second, 6 FLOP a parameter and
 * token. 51,200 GPU-hours are 100 hours, 3.6e11 tokens; at 2.5 dollars, 128,000. A step of 2 s
 * takes 1 MJ, and there are 180,000. */
START_TEST(hours_flops_dollars)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override overrides[] = {{.text = "workload.compute_budget.flop=0"},
                                         {.text = "workload.compute_budget.gpu_hours=51200"}};
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/train-compute-budget.yaml", overrides, 2, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    ck_assert_uint_eq(layout_gpus(&scenario->layout), 512);
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    run->scenario = scenario;
    run->result.tokens_per_second = 1e6;
    run->result.seconds = 2.0;
    run->result.joules = 1e6;
    struct training_budget budget = training_budget(run);
    double flop = 6.0 * llm_weights(&scenario->llm) * 3.6e11;
    ck_assert_double_eq_tol(budget.flop / flop, 1.0, 1e-12);
    ck_assert_double_eq(budget.seconds, 360000.0);
    ck_assert_double_eq_tol(budget.dollars, 128000.0, 1e-6);
    ck_assert_double_eq_tol(budget.joules, 1.8e11, 1.0);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(training_budget, hours_flops_dollars)
