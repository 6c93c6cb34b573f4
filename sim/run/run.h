/* SPDX-License-Identifier: MIT
 * Runs a scenario of any kind of workload and keeps the figures: what a sweep and a search call for
 * each of their points. A kind of workload is a row of the table in run.c. */
#ifndef CPSIM_SIM_RUN_RUN_H
#define CPSIM_SIM_RUN_RUN_H

#include "sim/base/metric.h"
#include "sim/scenario/scenario.h"

struct price_store;
struct serving_goal;

/* Zero: nothing of it. `prices`, `price_kind` and `goal` are for services (sim/serving/serving.h).
 */
struct run_options {
    const char *trace_path;     /* the HDF5 trace to write; NULL: none */
    struct price_store *prices; /* shared with other processes; NULL: none */
    uint64_t price_kind;
    const struct serving_goal *goal; /* a run that misses it ends; NULL: none does */
};

/* Simulates the scenario; `metrics` gets what was found: of a run that missed its goal nothing but
 * `goal_missed`, 1. False after at least one error. SimGrid allows one run a process. */
bool run_for_metrics(const struct scenario *scenario, struct arena *arena,
                     const struct run_options *options, struct metric_list *metrics,
                     struct diagnostics *diagnostics);

#endif
