/* SPDX-License-Identifier: MIT
 * A scenario's training run in the models' terms. Nothing is copied or owned. */
#ifndef CPSIM_SIM_SCENARIO_TRAINING_SETUP_H
#define CPSIM_SIM_SCENARIO_TRAINING_SETUP_H

#include "models/laws/scaling_law.h"
#include "models/training/training.h"
#include "sim/scenario/scenario.h"

/* What a step does; points into the scenario. A global batch of 0 becomes the critical one, rounded
 * to a multiple of micro_batch x data x pipeline, at least one. */
struct training scenario_training(const struct scenario *scenario);

/* The order of its passes: one that is known by name, or the user's own. */
const struct pipeline_schedule *scenario_schedule(const struct training_workload *workload);

const struct scaling_law *scenario_scaling_law(const struct scenario *scenario);

/* Whether the scenario says what the run may cost. */
bool scenario_has_budget(const struct scenario *scenario);

/* The model's parameters as a law counts them: with embedding and head or without. */
double scenario_law_parameters(const struct scenario *scenario, const struct scaling_law *law);

/* The share of them that the law's precision leaves effective; 1 for laws that know no bits. */
double scenario_effective_share(const struct scenario *scenario, const struct scaling_law *law);

/* Tokens of the whole run; 0: the scenario asks for a step alone, or for what a number of GPU-hours
 * or dollars buys, which only the step tells; INFINITY: no number of tokens reaches its target
 * loss. */
double scenario_training_tokens(const struct scenario *scenario);

/* Whether the scenario says how far the run goes, as a number of tokens. */
bool scenario_training_ends(const struct scenario *scenario);

/* Steps, not rounded, of a run of so many tokens (above 0) in batches of `training`. Tokens that
 * come from a target loss are those of a small batch: a batch of B sequences of 512 tokens takes a
 * + b / B steps, and `best_steps` (else 0) gets those of the best batch. A number of tokens is that
 * number, whatever the batch. */
double scenario_training_steps(const struct scenario *scenario, const struct training *training,
                               double tokens, double *best_steps);

/* The critical batch for those tokens (20 a parameter when there are none), tokens. */
double scenario_critical_batch_tokens(const struct scenario *scenario);

/* Sets how much attention the training's documents leave, on its replicas; nothing where sequences
 * are whole. The arena has room to work in. */
void scenario_pack_documents(const struct scenario *scenario, struct arena *arena,
                             struct training *training);

#endif
