/* SPDX-License-Identifier: MIT
 * Where more GPUs stop helping: a run to a target loss at several data-parallel widths, each
 * replica doing the same micro-batches. Past the critical batch a wider run takes hardly fewer
 * steps (batch_size.h). Steps are priced in closed form. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_WIDTH_H
#define CPSIM_SIM_TRAINING_TRAINING_WIDTH_H

#include "sim/base/arena.h"
#include "sim/training/training_run.h"

/* The widths of a run that has a target loss and no other bound, from a quarter of the scenario's
 * to eight times it; none for other runs. */
struct training_widths training_widths(const struct training_run *run, struct arena *arena);

#endif
