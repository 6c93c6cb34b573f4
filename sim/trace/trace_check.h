/* SPDX-License-Identifier: MIT
 * Verifies a trace against the tables that this version writes: every group, column, type, unit,
 * enum member, length, index and number. For `cpsim trace check FILE`. */
#ifndef CPSIM_SIM_TRACE_TRACE_CHECK_H
#define CPSIM_SIM_TRACE_TRACE_CHECK_H

#include "sim/base/diagnostics.h"

/* Every fault is a diagnostic. Returns the exit status: 0, or 2 when there is any. Reads a chunk of
 * a column at a time, so memory is bounded. */
int trace_check_file(const char *path, struct diagnostics *diagnostics);

#endif
