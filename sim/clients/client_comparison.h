/* SPDX-License-Identifier: MIT
 * What clients measured of a service against what a scenario says of it: figures of each case, and
 * errors by class of load and length of prompt. Everything lives in the caller's arena. */
#ifndef CPSIM_SIM_CLIENTS_CLIENT_COMPARISON_H
#define CPSIM_SIM_CLIENTS_CLIENT_COMPARISON_H

#include "sim/base/text.h"
#include "sim/clients/client_file.h"
#include "sim/clients/replay.h"

#include <stdio.h>

/* Of the requests of one case whose prompts are of some length. */
struct client_class {
    const char *name; /* "prompts up to 1024 tokens" */
    size_t count;
    struct client_figures measured, predicted; /* TTFT, TPOT and E2E; ITL is 0 */
};

struct compared_case {
    const struct client_file *file;
    const struct client_case *one;
    const char *name; /* of file and case */
    struct replay replay;
    struct client_class *classes; /* [class_count] that have a request */
    size_t class_count;
};

struct client_comparison {
    struct compared_case *cases; /* [count] */
    size_t count;
};

/* Every file's cases that are of the scenario's model and tensor ranks (or do not say of which).
 * False after at least one error; all are reported. */
bool client_comparison_run(struct arena *arena, const struct scenario *scenario,
                           const char *const *files, size_t file_count,
                           struct client_comparison *comparison, struct diagnostics *diagnostics);

/* predicted / measured - 1 */
double client_error(double measured, double predicted);

void client_comparison_print(struct text *text, const struct client_comparison *comparison);
void client_comparison_print_json(const struct client_comparison *comparison, FILE *stream);
/* A request a line. */
void client_comparison_print_csv(struct text *text, const struct client_comparison *comparison);

#endif
