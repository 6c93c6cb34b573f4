/* SPDX-License-Identifier: MIT
 * Verifies a trace against the tables that this version writes: every group, column, type, unit,
 * enum member, length, index and number. For `cpsim trace check FILE`. */
#ifndef CPSIM_SIM_TRACE_TRACE_CHECK_H
#define CPSIM_SIM_TRACE_TRACE_CHECK_H

#include "sim/base/diagnostics.h"

/* Every fault is a diagnostic. Returns the exit status: 0, or 2 when there is any. Reads a chunk of
 * a column at a time, so memory is bounded. Of a file with bytes changed HDF5 may crash: call it in
 * a child (sim/base/child.h), which leaves in `place` [TRACE_PLACE_BYTES] where it is; NULL: not.
 */
enum { TRACE_PLACE_BYTES = 200 };
int trace_check_file(const char *path, char *place, struct diagnostics *diagnostics);

#endif
