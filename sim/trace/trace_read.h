/* SPDX-License-Identifier: MIT
 * Reads a trace back, a chunk of rows at a time, into the structs of trace.h: memory is bounded
 * whatever the length of the file. Files of every minor version of the format are read; a table or
 * column that an older one lacks has no rows, or zeros.
 *
 *     struct trace_reader *reader = trace_reader_open("run.h5", diagnostics);
 *     TRACE_READ_EACH(reader, TRACE_PHASES, struct trace_phase, phase) { ... phase->name ... }
 *     bool sound = trace_reader_close(reader);
 *
 * Owner: whoever opened it. */
#ifndef CPSIM_SIM_TRACE_TRACE_READ_H
#define CPSIM_SIM_TRACE_TRACE_READ_H

#include "sim/base/diagnostics.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_tables.h"

#include <stdbool.h>
#include <stdint.h>

struct trace_reader;

/* NULL and a diagnostic when it is no trace that this version can read. `diagnostics` must outlive
 * the reader. Of a file with bytes changed HDF5 may crash: read in a child (sim/base/child.h),
 * which leaves in `place` [TRACE_PLACE_BYTES of trace_check.h] where it is; NULL: not. */
struct trace_reader *trace_reader_open(const char *path, char *place,
                                       struct diagnostics *diagnostics);

/* An attribute of the root that is text, such as "scenario"; "" when there is none. */
const char *trace_reader_text(const struct trace_reader *reader, const char *name);
uint64_t trace_reader_seed(const struct trace_reader *reader);
/* The figures of the run: attributes of the root that are numbers or texts, less those that every
 * trace has, in the order of their names. */
struct trace_figure {
    const char *name;
    double value;
    const char *text; /* NULL: `value` */
};
size_t trace_reader_figures(struct trace_reader *reader, const struct trace_figure **figures);

bool trace_reader_has(const struct trace_reader *reader, enum trace_table table);
uint64_t trace_reader_count(const struct trace_reader *reader, enum trace_table table);
/* false: an older file lacks it. */
bool trace_reader_has_column(const struct trace_reader *reader, enum trace_table table,
                             size_t column);

/* Row `number` of a table, as the struct that its offsets belong to; NULL past the end and, after
 * a diagnostic, when it cannot be read. It and its strings are there until another chunk of the
 * table is read: go through a table in order. */
const void *trace_reader_row(struct trace_reader *reader, enum trace_table table, uint64_t number);

#define TRACE_READ_EACH(reader, table, type, row)                                                  \
    for (uint64_t row##_number = 0; row##_number != UINT64_MAX; row##_number = UINT64_MAX)         \
        for (const type *row; (row = trace_reader_row((reader), (table), row##_number)) != NULL;   \
             row##_number++)

/* false when anything could not be read; there is a diagnostic then. */
bool trace_reader_close(struct trace_reader *reader);

#endif
