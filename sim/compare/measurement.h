/* SPDX-License-Identifier: MIT
 * A row of a measured table and what the models say of it. A kind of row is a file kind_*.c and a
 * line of the table in kinds.c: which columns make it, and a function that reads the row's shape,
 * asks the models and adds a figure for each measured value. A kind sees nothing but its row and
 * the machine; the measured value is read last, by measurement_compare(), so that no prediction can
 * look at it. */
#ifndef CPSIM_SIM_COMPARE_MEASUREMENT_H
#define CPSIM_SIM_COMPARE_MEASUREMENT_H

#include "models/kernels/extrapolation.h"
#include "models/kernels/kernel_measurement.h"
#include "models/machine/cluster.h"
#include "models/machine/fitted.h"
#include "models/machine/gpu.h"
#include "models/machine/software.h"
#include "sim/base/csv.h"
#include "sim/compare/machine.h"

#include <stdbool.h>
#include <stdint.h>

enum { MEASUREMENT_MAX_FIGURES = 4 };

/* One measured value and its prediction, both in the column's unit. */
struct figure {
    const char *class;  /* "GEMM bf16": errors are gathered by it */
    const char *column; /* where the measured value stands */
    double measured, predicted;
    const char *extrapolated; /* why the prediction is one; NULL: within the models' data */
};

struct measurement {
    const struct csv *csv;
    const struct csv_row *row;
    struct machine_files *files;
    struct machine machine; /* of kinds whose rows run nothing */
    const char *request_gpu, *request_cluster, *request_software; /* names or paths that the user
                                                                     gave; NULL: none */
    struct arena *arena;                                          /* of the figures' texts */
    struct arena *scratch;                                        /* of this row */
    struct diagnostics *diagnostics;
    bool wrong;             /* complained about: no figures */
    const char *unanswered; /* why there is no prediction; NULL: there is */
    const char *extrapolated;
    struct figure figures[MEASUREMENT_MAX_FIGURES];
    size_t figure_count;
    struct kernel_measurement kernel; /* what a GPU's constants can be fitted on; no seconds: the
                                         row is none of one kernel */
};

struct measurement_kind {
    const char *name, *doc;
    const char *const *columns; /* that a table must have to be of this kind; NULL ends them */
    /* Where a shape was run by several libraries: the columns that tell shapes apart, NULL ends
     * them, and the column of the time. The fastest of a shape counts. */
    const char *const *shape;
    const char *time;
    bool without_gpu;     /* its rows need none */
    bool cluster;         /* its rows need one */
    bool runs;            /* its rows are runs of a simulation (row_runs.h) */
    const char *software; /* that such rows are measured with, when the user names none */
    void (*predict)(struct measurement *measurement);
};

/* Of these the one with the most columns that are all there is the table's; NULL ends it. */
extern const struct measurement_kind *const measurement_kinds[];

extern const struct measurement_kind kind_gemm, kind_sustained_gemm, kind_experts,
    kind_experts_engines, kind_experts_training, kind_experts_exchange, kind_experts_block,
    kind_attention_engines, kind_attention_verify, kind_attention_window, kind_attention_values,
    kind_attention_prefill, kind_attention_decode, kind_memory, kind_layers, kind_tensor_layers,
    kind_training_layers, kind_optimizer, kind_ring, kind_overlap, kind_collective,
    kind_collective_tests, kind_collective_table, kind_energy, kind_power, kind_latent, kind_linear,
    kind_hyper, kind_sparse, kind_compressed, kind_kept_layers, kind_kept_steps, kind_engine_steps,
    kind_services;

/* The row's fields. Whatever is missing or out of range is complained about once, with its place,
 * and reads as the least that is allowed. */
bool measurement_has(const struct measurement *measurement, const char *column); /* not empty */
const char *measurement_text(const struct measurement *measurement, const char *column);
bool measurement_is(const struct measurement *measurement, const char *column, const char *text);
double measurement_number(struct measurement *measurement, const char *column, double least,
                          double most);
uint64_t measurement_count(struct measurement *measurement, const char *column, uint64_t least,
                           uint64_t most);

struct measurement_choice {
    const char *name; /* NULL ends the array */
    int value;
};
/* The value of a word; the first one's after a complaint. */
int measurement_choice(struct measurement *measurement, const char *column,
                       const struct measurement_choice *choices);

void measurement_complain(struct measurement *measurement, const char *column, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

/* Marks the row as extrapolated, unless it is within the data or marked already. */
void measurement_extrapolates(struct measurement *measurement, struct extrapolation extrapolation);

/* The row cannot be asked; it counts as one that is not answered. */
void measurement_unanswered(struct measurement *measurement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says of the row's figures that they are of something near it. */
void measurement_note(struct measurement *measurement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a figure: `predicted` against what the column says, which must be positive. Returns it; 0
 * after a complaint. */
double measurement_compare(struct measurement *measurement, const char *class, const char *column,
                           double predicted);

#endif
