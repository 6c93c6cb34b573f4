/* SPDX-License-Identifier: MIT
 * The door that every kind of workload stands behind: a row of functions and tables. Who runs
 * scenarios (a command, a sweep, a search) knows this and sim/run/run.h alone; a new kind is a file
 * with such a row and a line of the table in sim/run/run.c. Its keys, and what must hold between
 * them, are sim/scenario's: a scenario that was loaded has been checked. */
#ifndef CPSIM_SIM_WORKLOAD_WORKLOAD_H
#define CPSIM_SIM_WORKLOAD_WORKLOAD_H

#include "sim/base/plot.h"
#include "sim/base/progress.h"
#include "sim/figures/figure.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/trace.h"
#include "sim/workload/title.h"

#include <stdio.h>

struct price_store;
struct serving_goal;
struct serving_need;

/* What a run does besides. Zero: nothing. A kind that has no use for one leaves it. */
struct workload_options {
    struct progress *progress;       /* NULL: none is shown */
    struct price_store *prices;      /* of steps, shared with other processes; NULL: none ... */
    uint64_t price_kind;             /* ... and what its prices are of */
    const struct serving_goal *goal; /* a run that misses it ends; NULL: none does */
    struct serving_need *need;       /* gets what the run needed of limits (need.h); or NULL */
};

enum run_end {
    RUN_DONE,
    RUN_MISSED,      /* it ended because it missed its goal, and has no figures */
    RUN_WRONG_INPUT, /* after at least one error, the user's to mend */
    RUN_FAILED       /* after at least one error */
};

enum { RUN_NOTES_MOST = 4 };

struct workload {
    /* Simulates the scenario. `*result`, in `arena`, is for the functions below. Rows may go to
     * `trace` (NULL: none) already; who called closes it. */
    enum run_end (*run)(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace, void **result,
                        struct diagnostics *diagnostics);
    /* All figures, the first what one would ask first; `former`: deprecated names besides. */
    void (*figures)(const void *result, bool former, struct metric_list *figures);
    /* The rows of a trace that are known at the end. */
    void (*trace)(const void *result, struct trace *trace);
    /* What people read, below the title. */
    void (*print)(const void *result, struct ink ink, FILE *stream);
    /* Small pictures in characters (cpsim run --plot). */
    void (*plot)(const void *result, const struct plot *plot);
    /* Members of the JSON object that are no figures: what there is a list of. */
    void (*write_json)(const void *result, struct json *json);
    /* What of the result is not to be relied on, as `print` says it too: at most RUN_NOTES_MOST;
     * their number. NULL: there is never any. */
    size_t (*notes)(const void *result, struct arena *arena, const char *notes[]);
    /* Where the figures come from, for the documentation; ends with a table of none. */
    const struct figure_table *tables;
    const char *heading; /* "Figures of a service" */
};

extern const struct workload conversation_workload, serving_workload, training_workload;

#endif
