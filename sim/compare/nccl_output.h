/* SPDX-License-Identifier: MIT
 * What the programs of nccl-tests print (all_reduce_perf and its like), as the table of kind
 * collective-tests that it is: sizes, times out of place, ranks and nodes. */
#ifndef CPSIM_SIM_COMPARE_NCCL_OUTPUT_H
#define CPSIM_SIM_COMPARE_NCCL_OUTPUT_H

#include "sim/base/csv.h"

/* Whether the text is such an output: a line "# nThread ..." or the line of its columns. */
bool nccl_output_is_one(const char *text);

/* The same as CSV, a line for each of its lines, so that places stay; NULL after an error. Which
 * collective it is its own words say, or the file's name, or the ratio of its two bandwidths. */
const char *nccl_output_csv(struct arena *arena, const char *path, const char *text,
                            struct diagnostics *diagnostics);

#endif
