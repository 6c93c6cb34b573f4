/* SPDX-License-Identifier: MIT
 * Measured tables against the models: each file's kind is recognised by its columns, every row is
 * predicted, errors are gathered by class. Everything lives in the caller's arena. */
#ifndef CPSIM_SIM_COMPARE_COMPARISON_H
#define CPSIM_SIM_COMPARE_COMPARISON_H

#include "sim/base/progress.h"
#include "sim/compare/errors.h"
#include "sim/compare/measurement.h"

struct compared_row {
    const struct measurement_kind *kind;
    const struct csv *csv;
    const struct csv_row *row;
    struct figure figures[MEASUREMENT_MAX_FIGURES];
    size_t figure_count;
    struct kernel_measurement kernel; /* no seconds: the row is none of one kernel */
    bool slower;            /* another library ran the same shape faster: the row doesn't count */
    const char *unanswered; /* why it has no figures; NULL: it has */
};

struct error_class {
    const char *name;
    struct error_summary summary; /* of all that count, the extrapolated among them */
    size_t extrapolated;
};

struct compared_table {
    const char *file;
    const struct measurement_kind *kind;
    size_t row_count; /* that the table has */
};

struct comparison {
    struct compared_table *tables; /* [table_count], in the order of the request */
    size_t table_count;
    struct compared_row *rows;   /* [row_count], in the order of the files */
    struct error_class *classes; /* [class_count], in the order of their first row */
    size_t row_count, class_count;
};

struct comparison_request {
    const char *const *files; /* [file_count] */
    size_t file_count;
    const char *gpu, *cluster, *software; /* names or paths; NULL: not given */
    const struct gpu *gpu_values;         /* in place of a name; NULL: none; so are the next */
    const struct cluster *cluster_values;
    const struct software *software_values;
    struct progress *progress; /* NULL: none is shown */
    bool one_gpu; /* tables of kinds that need a cluster or no GPU are passed over, with a warning
                   */
};

/* False after at least one error; all of them are reported. */
bool comparison_run(struct arena *arena, const struct comparison_request *request,
                    struct comparison *comparison, struct diagnostics *diagnostics);

/* Predicts rows of a comparison again, by the request's machine: `figures` [count], the first
 * MEASUREMENT_MAX_FIGURES of each as in the row. The rows have been read once without a fault. */
void comparison_predict_again(struct arena *arena, const struct comparison_request *request,
                              const struct compared_row *const *rows, size_t count,
                              struct figure (*figures)[MEASUREMENT_MAX_FIGURES]);

/* predicted / measured - 1 */
double figure_error(const struct figure *figure);

/* The errors of a class among the rows that count and, unless `among` [row_count] is NULL, are
 * true there. */
struct error_summary comparison_errors(struct arena *arena, const struct comparison *comparison,
                                       const char *class, const bool *among);

#endif
