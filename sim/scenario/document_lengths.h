/* SPDX-License-Identifier: MIT
 * Lengths of documents in a file: a CSV table with a column `tokens`, a row a document, or with
 * `count` as well, as many documents of that length. */
#ifndef CPSIM_SIM_SCENARIO_DOCUMENT_LENGTHS_H
#define CPSIM_SIM_SCENARIO_DOCUMENT_LENGTHS_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

struct document_lengths {
    double *tokens; /* [count] */
    double *up_to;  /* documents of the rows up to this one */
    size_t count;
    double mean_tokens;
};

/* NULL after at least one error. */
const struct document_lengths *document_lengths_read(struct arena *arena, const char *path,
                                                     struct diagnostics *diagnostics);

/* The length at `share`, in (0, 1), of all documents in the file's order. */
double document_length_at(const struct document_lengths *lengths, double share);

#endif
