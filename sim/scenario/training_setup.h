/* SPDX-License-Identifier: MIT
 * A scenario's training run in the models' terms. Nothing is copied or owned. */
#ifndef CPSIM_SIM_SCENARIO_TRAINING_SETUP_H
#define CPSIM_SIM_SCENARIO_TRAINING_SETUP_H

#include "models/scaling_law.h"
#include "models/training.h"
#include "sim/scenario/scenario.h"

/* What a step does; points into the scenario. A global batch of 0 becomes the critical one, rounded
 * to a multiple of micro_batch x data x pipeline, at least one. */
struct training scenario_training(const struct scenario *scenario);

const struct scaling_law *scenario_scaling_law(const struct scenario *scenario);

/* Tokens of the whole run; 0: the scenario asks for a step alone; INFINITY: no number of tokens
 * reaches its target loss. */
double scenario_training_tokens(const struct scenario *scenario);

/* The critical batch for those tokens (20 a parameter when there are none), tokens. */
double scenario_critical_batch_tokens(const struct scenario *scenario);

#endif
