/* SPDX-License-Identifier: MIT
 * A training step's rows of the trace: its passes and its stages. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_TRACE_H
#define CPSIM_SIM_TRAINING_TRAINING_TRACE_H

#include "sim/training/training_run.h"

/* Writes the trace of a run to `path`. False with a diagnostic; `wrong_input`: it cannot be written
 * there. No file stays then. */
bool training_trace_write(const struct training_run *run, const char *path, bool *wrong_input,
                          struct diagnostics *diagnostics);

#endif
