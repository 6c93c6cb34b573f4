/* SPDX-License-Identifier: MIT
 * Runs a training scenario: one step on SimGrid, then what follows from it for the whole run:
 * steps, days, energy, dollars, and what failures leave of it. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_RUN_H
#define CPSIM_SIM_TRAINING_TRAINING_RUN_H

#include "models/laws/failures.h"
#include "models/laws/scaling_law.h"
#include "models/training/outer_step.h"
#include "models/training/training_checkpoint.h"
#include "models/training/training_memory.h"
#include "models/training/training_step.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/scenario.h"
#include "sim/training/training_play.h"

/* The whole run, when the scenario says how far it goes. */
struct training_plan {
    double tokens, steps;     /* tokens 0: a step alone */
    double seconds;           /* undisturbed */
    double mean_gpus, watts;  /* over it; watts of all GPUs */
    double gpu_hours, joules; /* failures included */
    double dollars;           /* 0: no price */
    double loss;              /* by the scenario's law */
    double best_steps;        /* with a target loss: at B_opt's batch; else 0 */
};

/* What a compute budget buys, law by law. */
struct budget_row {
    const struct scaling_law *law;
    struct scaling_optimum best;
    double steps;    /* of the critical batch */
    double own_loss; /* of the scenario's model, trained on all that the budget buys */
};

struct training_budget {
    double flop;      /* 6 N D; 0: no budget was said */
    double gpu_hours; /* at the simulated step's rate, undisturbed */
    double seconds, joules, dollars;
    struct budget_row rows[TRAINING_LAW_COUNT];
};

/* A run to its target loss on another number of replicas, micro-batches of each alike. */
struct width_row {
    uint32_t gpus;
    double batch_tokens, step_seconds, steps, seconds, gpu_hours; /* undisturbed */
};

enum { WIDTH_ROWS = 6 };
struct training_widths {
    struct width_row rows[WIDTH_ROWS];
    uint32_t count;   /* 0: the run has no target loss */
    double knee_gpus; /* whose batch is the critical one */
    /* The critical batch over this run's, for 100 times the parameters on the same tokens, and for
     * 100 times the tokens. */
    double for_hundredfold_model, for_hundredfold_data;
};

/* A stretch of the run with one batch. */
struct batch_phase {
    uint32_t global_batch, micro_batch; /* sequences */
    uint32_t tensor, pipeline, data, virtual_stages, gpus;
    double from_tokens; /* of progress, as the best small batch takes them */
    double batch_tokens, step_seconds, step_joules;
    double steps, seconds, gpu_hours; /* undisturbed, without restarts */
};

enum { BATCH_PHASES = 24 };
struct training_batches {
    struct batch_phase phases[BATCH_PHASES];
    uint32_t count; /* 0: the batch never changes */
    uint32_t restarts;
    double tokens, steps, seconds, gpu_hours, joules; /* of all, restarts included */
    /* The same run with one batch and its layout throughout: the last, or by the local law the
     * first. */
    double constant_batch_tokens, constant_steps, constant_seconds, constant_gpu_hours;
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
    const struct stage_links *links; /* [pipeline] */
    struct outer_step outer;         /* of several sites; zero: there is one */
    struct training_plan plan;
    struct training_budget budget;
    struct training_widths widths;
    struct training_batches batches;
    struct training_failures failures; /* mean_seconds 0: nothing breaks */
    uint64_t events;
};

/* A step, and its share of the exchange between sites. */
double training_mean_step_seconds(const struct training_run *run);

/* False with diagnostics; `wrong_input`: the user's to mend. The result lives in the arena. */
bool training_run(const struct scenario *scenario, struct arena *arena, struct progress *progress,
                  struct training_run *run, bool *wrong_input, struct diagnostics *diagnostics);

#endif
