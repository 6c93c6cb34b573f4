/* SPDX-License-Identifier: MIT
 * A training step's rows of the trace: its passes and its stages. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_TRACE_H
#define CPSIM_SIM_TRAINING_TRAINING_TRACE_H

#include "sim/trace/trace.h"
#include "sim/training/training_run.h"

void training_trace_write(const struct training_run *run, struct trace *trace);

#endif
