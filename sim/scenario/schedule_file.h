/* SPDX-License-Identifier: MIT
 * A pipeline schedule of the user's own: a CSV file with a row a rank and an action a cell, as
 * PyTorch's pipelining dumps it and torchtitan reads it. "3F1" is part 3's forward pass of
 * micro-batch 1, "2I0" its gradients of inputs, "2W0" those of weights, "2B0" both, and
 * "(0F4;7B0)OVERLAP_F_B" two that are one action; empty cells are passed over. */
#ifndef CPSIM_SIM_SCENARIO_SCHEDULE_FILE_H
#define CPSIM_SIM_SCENARIO_SCHEDULE_FILE_H

#include "models/pipeline/pipeline_schedule.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

struct schedule_file {
    const char *path;
    struct pipeline_schedule schedule; /* its table is filled */
    uint32_t stages, chunks, micro_batches;
};

/* NULL after at least one error: an action that is none, a pass that is missing or there twice,
 * parts that lie neither in rounds nor as a V, passes that wait for each other. */
const struct schedule_file *schedule_file_read(struct arena *arena, const char *path,
                                               struct diagnostics *diagnostics);

#endif
