/* SPDX-License-Identifier: MIT
 * A service's rows of the trace: requests, steps, and series of queues, KV cache and power. Memory
 * is bounded however many steps there are: each goes to the trace at once, and the series is a
 * fixed number of stretches of time (or as many as trace.sample_interval makes of the run). Owner:
 * the arena. */
#ifndef CPSIM_SIM_SERVING_RESULT_SERVING_TRACE_H
#define CPSIM_SIM_SERVING_RESULT_SERVING_TRACE_H

#include "sim/serving/serving.h"
#include "sim/trace/trace.h"

struct serving_trace;

/* The rows go to `file`, which stays the caller's. Of a tenant replicas count from `first_replica`,
 * and its name is its requests' class, before that of their own; NULL: there is one model. */
struct serving_trace *serving_trace_begin(struct arena *arena, const struct scenario *scenario,
                                          const char *tenant, uint32_t first_replica,
                                          struct trace *file);

/* One row of /steps. Called inside actors: the trace writes in a thread of its own. */
/* A server held no GPUs in that time, and they draw nothing for it. */
void serving_trace_off(struct serving_trace *trace, const struct server *server,
                       double from_seconds, double to_seconds);
void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct played_steps *steps);

/* The rows that are known at the end, but for those of GPUs and links (machine_trace.h). */
void serving_trace_end(struct serving_trace *trace, const struct serving_run *run);

#endif
