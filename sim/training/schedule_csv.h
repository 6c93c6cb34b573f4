/* SPDX-License-Identifier: MIT
 * A training scenario's order of passes in the form that PyTorch's pipeline schedules dump and
 * torchtitan reads: a row a stage (rank of the pipeline), an action a cell. "3F1" is the forward
 * pass of micro-batch 1 through part 3 of the model, all counted from 0; B a whole backward pass, I
 * of inputs alone, W of weights. */
#ifndef CPSIM_SIM_TRAINING_SCHEDULE_CSV_H
#define CPSIM_SIM_TRAINING_SCHEDULE_CSV_H

#include "models/pipeline/pipeline_schedule.h"
#include "sim/base/arena.h"

/* The arena's text; lines end in LF. */
const char *schedule_csv(struct arena *arena, const struct pipeline_schedule *schedule,
                         const struct pipeline *pipeline);

#endif
