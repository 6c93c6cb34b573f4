/* SPDX-License-Identifier: MIT
 * A GPU file from measured kernels: the tables of `cpsim compare` are read, what they hold of
 * single kernels is fitted (models/kernels/gpu_fit.h) from the constants of a base file, and errors
 * are told by class before and after. Every fifth row is kept out of a fit of its own, which shows
 * what the constants are worth on rows they have not seen; the result is fitted on all. Everything
 * lives in the caller's arena. */
#ifndef CPSIM_SIM_CALIBRATE_CALIBRATION_H
#define CPSIM_SIM_CALIBRATE_CALIBRATION_H

#include "models/kernels/gpu_fit.h"
#include "sim/base/progress.h"
#include "sim/compare/comparison.h"
#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

struct calibration_request {
    const char *const *files; /* [file_count] */
    size_t file_count;
    const char *base;                 /* a GPU's name or path */
    const struct override *overrides; /* [override_count]: gpu.KEY=VALUE over the base */
    size_t override_count;
    struct progress *progress; /* NULL: none is shown */
};

/* Errors of one class of figures. */
struct calibration_class {
    const char *name;
    size_t fitted_rows; /* of those that count; 0: the class is a check, no constant saw it */
    struct error_summary before, after;
    struct error_summary held_before, held_after; /* count 0: too few rows to keep some out */
};

struct calibration {
    const char *base_name;
    const struct node *base; /* the base's values, overrides among them */
    struct gpu gpu;          /* the result: what is fitted has four digits */
    struct comparison rows;  /* with the base's predictions */
    bool *fitted;            /* [rows.row_count]: a constant was fitted on the row ... */
    bool *timed;             /* ... one that sets how long it takes, not its power alone */
    struct gpu_fitted seen;  /* the shapes of the rows in `timed`; 0, 0: none has such a shape */
    struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT];
    struct calibration_class *classes; /* [class_count], in the order of their first row */
    size_t class_count;
};

/* False after at least one error; warnings say which constants the tables don't show and where the
 * fit doesn't carry over. */
bool calibration_run(struct arena *arena, const struct calibration_request *request,
                     struct calibration *calibration, struct diagnostics *diagnostics);

/* The constants of `gpu_fit_groups[group]` that were fitted, or those that were not, by their keys:
 * "row, row_element". "": none. */
const char *calibration_constants(struct arena *arena, const struct calibration *calibration,
                                  size_t group, bool fitted);

#endif
