/* SPDX-License-Identifier: MIT
 * A service's rows of the trace: requests, steps, and series of queues, KV cache and power. Memory
 * is bounded however many steps there are: each goes to the trace at once, and the series is a
 * fixed number of stretches of time (or as many as trace.sample_interval makes of the run). Owner:
 * the arena. */
#ifndef CPSIM_SIM_SERVING_RESULT_SERVING_TRACE_H
#define CPSIM_SIM_SERVING_RESULT_SERVING_TRACE_H

#include "sim/serving/serving.h"

struct serving_trace;

/* NULL and a diagnostic when `path` cannot be written. */
struct serving_trace *serving_trace_open(struct arena *arena, const struct scenario *scenario,
                                         const char *path, struct diagnostics *diagnostics);

/* One row of /steps. Called inside actors: the trace writes in a thread of its own. */
void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct played_steps *steps);

/* Writes everything; the file gets its name. False and a diagnostic when anything failed. */
bool serving_trace_close(struct serving_trace *trace, const struct serving_run *run);

/* For a run that failed. */
void serving_trace_abandon(struct serving_trace *trace);

/* serving_run() with a trace at `path` (NULL: without), which is there when this returns true. */
bool serving_run_traced(const struct scenario *scenario, struct arena *arena, const char *path,
                        const struct serving_options *options, struct serving_run *run,
                        bool *wrong_input, struct diagnostics *diagnostics);

#endif
