/* SPDX-License-Identifier: MIT
 * Runs a scenario of any kind of workload and keeps the figures: what a sweep and a search call for
 * each of their points. A kind of workload is a row of the table in run.c. */
#ifndef CPSIM_SIM_RUN_RUN_H
#define CPSIM_SIM_RUN_RUN_H

#include "sim/base/metric.h"
#include "sim/scenario/scenario.h"

/* Simulates the scenario; `metrics` gets what was found. `trace_path`: the HDF5 trace to write,
 * NULL: none. False after at least one error. SimGrid allows one run a process. */
bool run_for_metrics(const struct scenario *scenario, struct arena *arena, const char *trace_path,
                     struct metric_list *metrics, struct diagnostics *diagnostics);

#endif
