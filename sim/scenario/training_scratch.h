/* SPDX-License-Identifier: MIT
 * The room that models/training/training_step.h asks its caller for. */
#ifndef CPSIM_SIM_SCENARIO_TRAINING_SCRATCH_H
#define CPSIM_SIM_SCENARIO_TRAINING_SCRATCH_H

#include "models/training/training_step.h"
#include "sim/base/arena.h"

/* Owner: the arena. */
struct training_scratch training_scratch_create(struct arena *arena,
                                                const struct training *training);

#endif
