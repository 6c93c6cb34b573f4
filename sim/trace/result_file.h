/* SPDX-License-Identifier: MIT
 * The results of many runs in one HDF5 file: tables whose columns are known only when they are
 * written, in the same form as those of a trace (a group a table, a dataset a column, units and a
 * sentence on each), and the traces of the runs side by side as virtual tables. Written to
 * `path`.part and renamed; the same content gives the same bytes. */
#ifndef CPSIM_SIM_TRACE_RESULT_FILE_H
#define CPSIM_SIM_TRACE_RESULT_FILE_H

#include "sim/base/diagnostics.h"
#include "sim/trace/trace_tables.h"

#include <stdint.h>

struct result_file;

/* A column and all its cells: double, uint64_t, uint32_t, unsigned char (TRACE_ENUM), const char *
 * (TRACE_STRING). The column's offset is not used. */
struct result_column {
    struct trace_column column;
    void *cells; /* [rows] */
};

/* NULL and a diagnostic when the file cannot be made. */
struct result_file *result_file_open(const char *path, struct diagnostics *diagnostics);

/* Attributes of the root. What goes wrong is reported once and remembered for the closing. */
void result_file_add_text(struct result_file *file, const char *name, const char *text);
void result_file_add_count(struct result_file *file, const char *name, uint64_t count);

void result_file_add_table(struct result_file *file, const char *name, const char *long_name,
                           const struct result_column *columns, size_t column_count,
                           uint64_t row_count);

/* /traces/TABLE/COLUMN: the rows of all the traces, one after the other, and a column `point` that
 * says whose they are. Nothing is copied: the traces stay where they are. `paths` are relative to
 * the file's folder. A column of names is left out when the traces number them differently. */
void result_file_add_traces(struct result_file *file, const char *const *paths,
                            const uint64_t *points, size_t count);

/* False and a diagnostic when anything failed; then neither file stays. */
bool result_file_close(struct result_file *file);

#endif
