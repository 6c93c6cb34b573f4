/* SPDX-License-Identifier: MIT
 * A conversation's rows of the trace: phases, operators, links, GPUs. */
#ifndef CPSIM_SIM_INFERENCE_TRACE_RUN_H
#define CPSIM_SIM_INFERENCE_TRACE_RUN_H

#include "sim/inference/conversation.h"
#include "sim/inference/recorder.h"
#include "sim/trace/trace.h"

/* In `arena`; the rows go to `trace`, which stays the caller's. */
struct trace_run *trace_run_begin(struct arena *arena, const struct scenario *scenario,
                                  struct trace *trace);

/* Rows of /operators for one played batch of a phase, which began at `start_seconds` of the run. */
bool trace_run_operators(struct trace_run *run, const struct recorder *recorder,
                         uint32_t phase_index, double start_seconds);

/* What the recorder's flows moved, in a batch that lasts `seconds`, began at `start_seconds` of the
 * run and is played `times` times. With trace: {links: series}. */
void trace_run_flows(struct trace_run *run, const struct recorder *recorder, double start_seconds,
                     double seconds, double times);

/* Others' traffic, for the series of links: an engine_flow_observer whose context is the run. */
void trace_run_others(void *context, const struct flow_seen *flow);

/* One row of /phases; phases come in the order of their index. */
bool trace_run_phase(struct trace_run *run, const struct phase_result *phase);

/* The rows of /gpus and /links. */
void trace_run_end(struct trace_run *run, const struct conversation_result *result);

#endif
