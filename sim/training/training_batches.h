/* SPDX-License-Identifier: MIT
 * A run whose batch grows as the critical batch of the tokens so far does
 * (workload.batch_schedule): the batches of its stretches, the layout of each, and what a constant
 * batch would have taken. Steps are priced in closed form. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_BATCHES_H
#define CPSIM_SIM_TRAINING_TRAINING_BATCHES_H

#include "sim/base/arena.h"
#include "sim/training/training_run.h"

/* None for a run without a growth or a target loss. */
struct training_batches training_batches(const struct training_run *run, struct arena *arena);

#endif
