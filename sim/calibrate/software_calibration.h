/* SPDX-License-Identifier: MIT
 * A software file of one's own from an engine that was measured: its host's constants, each fitted
 * on what shows it (steps as the engine's scheduler logged them, requests as clients saw them). A
 * constant moves when the rows that were kept out of the fit get better by it, else it stays.
 * Everything lives in the caller's arena. */
#ifndef CPSIM_SIM_CALIBRATE_SOFTWARE_CALIBRATION_H
#define CPSIM_SIM_CALIBRATE_SOFTWARE_CALIBRATION_H

#include "sim/base/text.h"
#include "sim/clients/client_comparison.h"
#include "sim/compare/comparison.h"
#include "sim/scenario/scenario.h"

/* What shows a constant. */
enum evidence { EVIDENCE_SCHEDULER, EVIDENCE_STEPS, EVIDENCE_REQUESTS, EVIDENCE_COUNT };

struct software_constant {
    const char *key; /* of a software file: "loop.schedule" */
    enum evidence evidence;
};

/* NULL key ends it. */
extern const struct software_constant software_constants[];
enum { SOFTWARE_MAX_CONSTANTS = 16 };

enum fit_end {
    FIT_MOVED,     /* the file has another value */
    FIT_STAYED,    /* what was kept out got no better */
    FIT_NOT_SHOWN, /* too little shows it */
    FIT_ZERO       /* the base has none of it, and a factor makes none */
};

struct fitted_constant {
    const struct software_constant *constant; /* NULL: the software's table has no such key */
    double before, after;                     /* in the canonical unit */
    size_t shown_by;                          /* rows, or cases */
    enum fit_end end;
};

/* Errors of a class of rows, or of one figure over the cases. */
struct fitted_class {
    const char *name;
    enum evidence evidence;
    size_t used, held; /* rows, or cases */
    size_t left_out;   /* they say nothing of a step alone */
    struct error_summary before, after, held_before, held_after;
};

struct software_calibration {
    const char *base;         /* the software that the file uses */
    const char *files;        /* "steps.csv, seen.csv" */
    struct software software; /* the result */
    struct fitted_constant constants[SOFTWARE_MAX_CONSTANTS];
    size_t constant_count;
    struct fitted_class *classes; /* [class_count] */
    size_t class_count;
};

struct software_calibration_request {
    const char *const *tables; /* [table_count]: steps */
    size_t table_count;
    const char *const *clients; /* [client_count] */
    size_t client_count;
    const struct scenario *scenario; /* GPU, cluster, software; what serves the clients' requests */
    const char *base;                /* what the scenario calls its software */
};

/* False after at least one error. */
bool software_calibration_run(struct arena *arena,
                              const struct software_calibration_request *request,
                              struct software_calibration *calibration,
                              struct diagnostics *diagnostics);

void software_calibration_print(struct text *text, const struct software_calibration *calibration);
/* The file: what it uses, and what differs. */
void software_file_print(struct text *text, const struct software_calibration *calibration);

/* --- shared by the files of this folder --- */

/* The value of a constant in a software; NULL: its table has no such key. */
double *software_constant_at(struct software *software, const char *key);
bool software_calibration_moved(const struct software_calibration *calibration);

#endif
