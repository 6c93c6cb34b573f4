/* SPDX-License-Identifier: MIT
 * Rows of kinds that run a simulation: each in a process of its own (SimGrid runs once a process),
 * as many side by side as there are processors. */
#ifndef CPSIM_SIM_COMPARE_ROW_RUNS_H
#define CPSIM_SIM_COMPARE_ROW_RUNS_H

#include "sim/compare/measurement.h"

/* Predicts rows[0..count) of one table, which are filled in but for what a prediction says; their
 * figures, and reasons why one has none, are in their arenas afterwards. */
void row_runs(const struct measurement_kind *kind, struct measurement *rows, size_t count);

#endif
