/* SPDX-License-Identifier: MIT
 * What a sweep leaves: sweep.h5 and sweep.csv, a row a point, its parameters and metrics as
 * columns; and the best points as a table for people. All from the journals' records, in the order
 * of the points, so it is the same whoever ran which point when. */
#ifndef CPSIM_SIM_SWEEP_RESULT_H
#define CPSIM_SIM_SWEEP_RESULT_H

#include "sim/sweep/journal.h"

#include <stdio.h>

/* Writes FOLDER/sweep.h5 and FOLDER/sweep.csv. False after an error. */
bool result_write_files(const struct journal_contents *contents, const char *folder,
                        struct diagnostics *diagnostics);

/* All of it as one JSON object (docs/json-output.md). */
void result_print_json(const struct journal_contents *contents, FILE *stream);

/* "traces/000042.h5": where a point's trace lies in the folder. */
const char *result_trace_name(struct arena *arena, uint64_t point);

/* The best points, replications averaged. `bold` and `plain` are codes of the terminal, or "".
 * Tables of at most `width` columns. */
void result_print_best(const struct journal_contents *contents, const char *bold, const char *plain,
                       size_t width, FILE *stream);

#endif
