/* SPDX-License-Identifier: MIT
 * The trace of a scenario, whatever its workload. */
#ifndef CPSIM_SIM_WORKLOAD_SCENARIO_TRACE_H
#define CPSIM_SIM_WORKLOAD_SCENARIO_TRACE_H

#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"

/* NULL and a diagnostic when `path` cannot be written. */
struct trace *scenario_trace_open(const struct scenario *scenario, const char *path,
                                  struct diagnostics *diagnostics);

#endif
