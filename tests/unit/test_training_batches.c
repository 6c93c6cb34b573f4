/* SPDX-License-Identifier: MIT
 * A batch that grows over a run: when it changes, what a stretch takes, on how many GPUs. The law
 * behind it has tests of its own; whole runs with a growing batch are nowhere measured. */
#include "models/laws/batch_size.h"
#include "sim/scenario/load.h"
#include "sim/scenario/training_setup.h"
#include "sim/training/training_batches.h"

#include "run_tests.h"

#include <math.h>
#include <stdio.h>

static struct training_batches batches_in(struct arena *arena, const char *name, const char *key,
                                          const struct training_run **kept)
{
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override overrides[] = {{.text = key}};
    const char *path = arena_printf(arena, CPSIM_SOURCE_DIR "/scenarios/%s.yaml", name);
    const struct scenario *scenario = scenario_load(arena, path, overrides, 1, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert_ptr_nonnull(scenario);
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    run->scenario = scenario;
    run->training = scenario_training(scenario);
    run->plan.best_steps = 1.0;
    *kept = run;
    return training_batches(run, arena);
}

static struct training_batches batches_of(struct arena *arena, const char *width,
                                          const struct training_run **kept)
{
    return batches_in(arena, "train-growing-batch",
                      arena_printf(arena, "workload.batch_schedule.width=%s", width), kept);
}

/* Batches double; each begins where the critical batch of the tokens so far is as large, the first
 * at the start; a stretch's steps are the law's; the sums are sums, with no restart of a layout
 * that stays. */
START_TEST(fixed_width)
{
    struct arena *arena = arena_create();
    const struct training_run *run;
    struct training_batches batches = batches_of(arena, "fixed", &run);
    double parameters = llm_weights(&run->scenario->llm), steps = 0.0, seconds = 0.0;
    double end = scenario_training_tokens(run->scenario);
    ck_assert_uint_ge(batches.count, 3);
    ck_assert_double_eq(batches.phases[0].from_tokens, 0.0);
    for (uint32_t i = 0; i < batches.count; i++) {
        const struct batch_phase *phase = &batches.phases[i];
        double to = i + 1 < batches.count ? phase[1].from_tokens : end;
        ck_assert_uint_eq(phase->gpus, 256);
        if (i > 0) {
            ck_assert_double_eq(phase->batch_tokens, 2.0 * phase[-1].batch_tokens);
            ck_assert_double_eq_tol(batch_critical_tokens(parameters, phase->from_tokens) /
                                        phase->batch_tokens,
                                    1.0, 1e-9);
        }
        ck_assert_double_eq(phase->steps, ceil(batch_piece_steps(parameters, phase->batch_tokens,
                                                                 phase->from_tokens, to)));
        steps += phase->steps;
        seconds += phase->steps * phase->step_seconds;
    }
    ck_assert_uint_eq(batches.restarts, 0);
    ck_assert_double_eq_tol(batches.steps, steps, 1e-6);
    ck_assert_double_eq_tol(batches.seconds / seconds, 1.0, 1e-12);
    ck_assert_double_eq_tol(batches.gpu_hours, batches.seconds * 256.0 / 3600.0, 1e-3);
    /* More steps of fewer tokens. */
    ck_assert_double_gt(batches.steps, batches.constant_steps);
    ck_assert_double_lt(batches.tokens, batches.constant_steps * 1024.0 * 8192.0);
    arena_destroy(arena);
}
END_TEST

/* Half the batch is half the replicas, each with as much to do; every change restarts the job for
 * 300 s, on the GPUs of the larger one. GPU-hours fall, time grows. */
START_TEST(growing_width)
{
    struct arena *arena = arena_create();
    const struct training_run *run;
    struct training_batches batches = batches_of(arena, "growing", &run);
    double seconds = 0.0, gpu_hours = 0.0;
    for (uint32_t i = 0; i < batches.count; i++) {
        const struct batch_phase *phase = &batches.phases[i];
        double restart = i > 0 ? 300.0 : 0.0;
        ck_assert_uint_eq(phase->gpus * (1024 / phase->global_batch), 256);
        seconds += phase->steps * phase->step_seconds + restart;
        gpu_hours += (phase->steps * phase->step_seconds + restart) * phase->gpus / 3600.0;
    }
    ck_assert_uint_eq(batches.restarts, batches.count - 1);
    ck_assert_double_eq_tol(batches.seconds / seconds, 1.0, 1e-12);
    ck_assert_double_eq_tol(batches.gpu_hours / gpu_hours, 1.0, 1e-12);
    ck_assert_double_lt(batches.gpu_hours, batches.constant_gpu_hours);
    ck_assert_double_gt(batches.seconds, batches.constant_seconds);
    arena_destroy(arena);
}
END_TEST

/* A layout of its own for each batch is no slower than the scenario's, restarts included: it is
 * among those that are tried, and left only where that makes up for the restart. */
START_TEST(replanned)
{
    struct arena *arena = arena_create();
    const struct training_run *run;
    struct training_batches fixed = batches_of(arena, "fixed", &run);
    struct training_batches batches = batches_of(arena, "replanned", &run);
    ck_assert_double_le(batches.seconds, fixed.seconds);
    ck_assert_uint_lt(batches.restarts, batches.count);
    for (uint32_t i = 0; i < batches.count; i++) {
        ck_assert_uint_eq(batches.phases[i].gpus, 256);
    }
    arena_destroy(arena);
}
END_TEST

/* OLMo 1B over 658 billion tokens: 168 / 4.194e-3 = 40,055 steps, 335 / 8.389e-3 = 39,936 and 155 /
 * 16.78e-3 = 9,239, together 89,230, where the first batch throughout takes 156,880: 43 % fewer, as
 * arXiv 2505.23971 prints (table 1). Half the critical batch doubles where its law reaches twice
 * the batch, later by 2^(1 / 0.632) = 2.994 times: 503 and 1,506 billion. */
START_TEST(warmed_up)
{
    struct arena *arena = arena_create();
    const struct training_run *run;
    struct training_batches batches =
        batches_in(arena, "train-batch-warmup", "workload.batch_schedule.share=1", &run);
    ck_assert_uint_eq(batches.count, 3);
    ck_assert_double_eq_tol(batches.phases[1].from_tokens / 168e9, 1.0, 1e-9);
    ck_assert_double_eq_tol(batches.phases[2].from_tokens / 503e9, 1.0, 1e-9);
    ck_assert_double_eq(batches.phases[0].steps, 40055.0);
    ck_assert_double_eq(batches.phases[1].steps, 39936.0);
    ck_assert_double_eq(batches.phases[2].steps, 9239.0);
    ck_assert_double_eq(batches.constant_steps, 156880.0);
    ck_assert_double_eq(batches.constant_batch_tokens, 1024.0 * 4096.0);
    ck_assert_double_eq_tol(batches.tokens / 658e9, 1.0, 1e-4);
    ck_assert_double_eq_tol(1.0 - batches.steps / batches.constant_steps, 0.43, 0.005);
    batches = batches_in(arena, "train-batch-warmup", "workload.batch_schedule.share=0.5", &run);
    ck_assert_uint_eq(batches.count, 2);
    ck_assert_double_eq_tol(batches.phases[1].from_tokens / 503e9, 1.0, 1e-6);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(training_batches, fixed_width, growing_width, replanned, warmed_up)
