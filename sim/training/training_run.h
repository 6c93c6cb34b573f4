/* SPDX-License-Identifier: MIT
 * Runs a training scenario: one step on SimGrid, then what follows from it for the whole run:
 * steps, days, energy, dollars, and what failures leave of it. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_RUN_H
#define CPSIM_SIM_TRAINING_TRAINING_RUN_H

#include "models/failures.h"
#include "models/training_checkpoint.h"
#include "models/training_memory.h"
#include "models/training_step.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/scenario.h"

/* The whole run, when the scenario says how far it goes. */
struct training_plan {
    double tokens, steps;     /* tokens 0: a step alone */
    double seconds;           /* undisturbed */
    double gpu_hours, joules; /* failures included */
    double dollars;           /* 0: no price */
    double loss;              /* by the scenario's law */
    double best_steps;        /* with a target loss: at B_opt's batch; else 0 */
};

struct training_failures {
    double interval_seconds;   /* between checkpoints */
    double checkpoint_seconds; /* that one keeps the job from work */
    double mean_seconds;       /* between interruptions */
    double expected_share;     /* of the time that is work: the closed form, without stragglers */
    struct failure_answer answer;
    const uint64_t *struck; /* [cause_count] */
};

struct training_run {
    const struct scenario *scenario;
    struct training training;
    struct training_scratch scratch;
    struct training_costs costs;
    struct training_result result;
    double closed_form_seconds;           /* of the step without contention */
    const struct training_memory *stages; /* [pipeline] */
    struct training_checkpoint checkpoint;
    double critical_batch_tokens;
    struct training_plan plan;
    struct training_failures failures; /* mean_seconds 0: nothing breaks */
    uint64_t events;
};

/* False with diagnostics; `wrong_input`: the user's to mend. The result lives in the arena. */
bool training_run(const struct scenario *scenario, struct arena *arena, struct training_run *run,
                  bool *wrong_input, struct diagnostics *diagnostics);

#endif
