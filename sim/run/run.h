/* SPDX-License-Identifier: MIT
 * Runs a scenario, whatever its workload (sim/workload/workload.h): what a command, a sweep and a
 * search call. A kind of workload is a row of the table in run.c. */
#ifndef CPSIM_SIM_RUN_RUN_H
#define CPSIM_SIM_RUN_RUN_H

#include "sim/run/repeatable.h"
#include "sim/workload/workload.h"

/* By enum workload_kind, ended by NULL. */
extern const struct workload *const workloads[];

/* Zero: nothing of it. */
struct run_options {
    const char *trace_path; /* the HDF5 trace to write; NULL: none */
    struct workload_options workload;
};

struct run {
    const struct scenario *scenario;
    const struct workload *workload;
    void *result; /* the workload's own, in the arena */
};

/* Simulates the scenario and writes its trace. Unless it ends with RUN_DONE, `run` is for nothing.
 */
enum run_end run_scenario(const struct scenario *scenario, struct arena *arena,
                          const struct run_options *options, struct run *run,
                          struct diagnostics *diagnostics);

void run_print(const struct run *run, struct ink ink, FILE *stream);
/* Pictures in characters, in lines of so many columns. */
void run_plot(const struct run *run, FILE *stream, size_t columns);
void run_print_json(const struct run *run, struct arena *arena, FILE *stream);

/* Simulates the scenario; `metrics` gets what was found: of a run that missed its goal nothing but
 * `goal_missed`, 1. False after at least one error. */
bool run_for_metrics(const struct scenario *scenario, struct arena *arena,
                     const struct run_options *options, struct metric_list *metrics,
                     struct diagnostics *diagnostics);

/* Prices of steps that this process shares with those it forks from now on, for workload_options;
 * NULL when there is no memory for it. */
struct price_store *run_prices_create(void);
void run_prices_destroy(struct price_store *prices);

#endif
