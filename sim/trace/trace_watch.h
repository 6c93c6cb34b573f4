/* SPDX-License-Identifier: MIT
 * A trace for those who watch it being written: FILE.live, beside FILE.part, an HDF5 file that may
 * be read while it grows (single writer, many readers). The trace itself cannot be that file: such
 * a file takes no attribute and no text of any length once it has begun, and what codes of names
 * stand for is known only at the end. So this one has the tables without their columns of strings
 * and names, not compressed, and is gone when the trace is whole.
 *
 * Everything here speaks to HDF5: call it where the trace does, one thread at a time. Nothing that
 * fails here harms the trace: the file then grows no more. */
#ifndef CPSIM_SIM_TRACE_TRACE_WATCH_H
#define CPSIM_SIM_TRACE_TRACE_WATCH_H

#include "sim/base/arena.h"
#include "sim/trace/trace_tables.h"

#include <hdf5.h>
#include <stdbool.h>

struct trace_watch;

/* FILE.live with all tables, empty. `describe_root` writes the root's attributes. NULL: the file
 * cannot be made; hdf5_failure() says why. */
struct trace_watch *trace_watch_open(struct arena *arena, const char *path,
                                     bool (*describe_root)(hid_t file, const void *context),
                                     const void *context);

/* Adds rows of a table, [count] structs of trace.h, and lets readers see them. */
void trace_watch_add(struct trace_watch *watch, enum trace_table table, const void *rows,
                     size_t count);

/* Removes the file; who has it open keeps what it read. */
void trace_watch_close(struct trace_watch *watch);

#endif
