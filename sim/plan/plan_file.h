/* SPDX-License-Identifier: MIT
 * A plan file: a service, what it must carry and how fast it must answer, and the layouts, limits
 * and precisions to choose from. Owner of all memory: the arena given to plan_file_load(). */
#ifndef CPSIM_SIM_PLAN_PLAN_FILE_H
#define CPSIM_SIM_PLAN_PLAN_FILE_H

#include "sim/sweep/sweep_file.h"

struct plan_file {
    struct sweep_file sweep;           /* the candidates, as points of a sweep */
    double rate;                       /* requests a second that must be carried */
    double ttft_seconds, tpot_seconds; /* limits of the 99th percentiles */
    uint32_t requests;                 /* of each run of the search */
    uint32_t confirm_requests;         /* of the run that a recommendation must stand */
    double tolerance;                  /* of a capacity, a share */
    double most_gpus, most_dollars;    /* budget: GPUs; dollars an hour. 0: no limit */
    bool prune;
};

extern const struct field plan_fields[]; /* struct plan_file */

/* NULL after at least one error. */
const struct plan_file *plan_file_load(struct arena *arena, const char *path,
                                       struct diagnostics *diagnostics);

#endif
