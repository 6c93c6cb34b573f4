/* SPDX-License-Identifier: MIT
 * The trace of a scenario, whatever its workload. */
#ifndef CPSIM_SIM_WORKLOAD_SCENARIO_TRACE_H
#define CPSIM_SIM_WORKLOAD_SCENARIO_TRACE_H

#include "sim/base/metric.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"

/* NULL and a diagnostic when `path` cannot be written. */
struct trace *scenario_trace_open(const struct scenario *scenario, const char *path,
                                  struct diagnostics *diagnostics);

/* The figures as attributes of the trace, each under its name; those of later turns, which may be
 * thousands, are rows of /phases alone. */
void scenario_trace_add_figures(struct trace *trace, const struct metric_list *figures);

#endif
