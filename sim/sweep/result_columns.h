/* SPDX-License-Identifier: MIT
 * A sweep's records turned into columns: point, replication, seed, the parameters, status, error,
 * then every metric that any point has, in the order in which they first appear. */
#ifndef CPSIM_SIM_SWEEP_RESULT_COLUMNS_H
#define CPSIM_SIM_SWEEP_RESULT_COLUMNS_H

#include "sim/sweep/journal.h"
#include "sim/trace/result_file.h"

struct result_columns {
    struct result_column *columns; /* [count] */
    size_t count;
    uint64_t rows;
    size_t first_metric;
};

/* Columns of the points that have a record; in `arena`. */
struct result_columns result_columns_make(struct arena *arena,
                                          const struct journal_contents *contents);

#endif
