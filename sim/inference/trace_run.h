/* SPDX-License-Identifier: MIT
 * A conversation's rows of the trace: phases, operators, links, GPUs. */
#ifndef CPSIM_SIM_INFERENCE_TRACE_RUN_H
#define CPSIM_SIM_INFERENCE_TRACE_RUN_H

#include "sim/inference/conversation.h"
#include "sim/inference/recorder.h"

struct trace_run;

/* Rows of /operators for one played batch of a phase that began at `start_seconds` of the run. */
bool trace_run_operators(struct trace_run *run, const struct recorder *recorder,
                         uint32_t phase_index, double start_seconds);

#endif
