/* SPDX-License-Identifier: MIT
 * A compute budget, turned round: which model, trained on how many tokens in which batch, makes
 * most of it under each loss law; and what it costs at the rate of the simulated step. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_BUDGET_H
#define CPSIM_SIM_TRAINING_TRAINING_BUDGET_H

#include "sim/training/training_run.h"

/* Of a run whose step has been played; all 0 when the scenario says no budget. GPUs are taken to do
 * 6 N D FLOPs as fast for another model as for the scenario's. */
struct training_budget training_budget(const struct training_run *run);

/* Loss of the scenario's model after `tokens`, nats a token. */
double training_own_loss(const struct scenario *scenario, const struct scaling_law *law,
                         double tokens);

#endif
