/* SPDX-License-Identifier: MIT
 * Tables as comma-separated values (RFC 4180): a header line that names the columns, then rows.
 * Fields may be quoted ("" is a quote inside), lines may end in CRLF, lines that start with '#' and
 * empty lines are passed over. Every field keeps its place, so that whoever reads it can say
 * `file:line:col: error: ...`. csv_parse() is pure but for its diagnostics; all faults of a text
 * are reported, not the first alone. Everything lives in the arena. */
#ifndef CPSIM_SIM_BASE_CSV_H
#define CPSIM_SIM_BASE_CSV_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

struct csv_field {
    const char *text; /* quotes and the blanks around it gone */
    unsigned line, column;
};

struct csv_row {
    unsigned line;
    struct csv_field *fields; /* [csv->column_count] */
};

struct csv {
    const char *file;
    struct csv_field *header; /* [column_count] */
    size_t column_count;
    struct csv_row *rows; /* [row_count]; rows with faults are left out */
    size_t row_count;
};

enum { CSV_NO_COLUMN = -1 };
#define CSV_MAX_BYTES ((size_t)256 * 1024 * 1024)
enum { CSV_MAX_COLUMNS = 256 };

/* Reads `length` bytes that came from `file` (a name for the marks). NULL when there is no header;
 * otherwise the rows that are well formed, complaints about the others. */
struct csv *csv_parse(struct arena *arena, const char *file, const char *bytes, size_t length,
                      struct diagnostics *diagnostics);

/* The same of a file on disk; NULL after a complaint when it can't be read. */
struct csv *csv_load(struct arena *arena, const char *path, struct diagnostics *diagnostics);

/* Index of the column of that name, CSV_NO_COLUMN when there is none. */
int csv_column(const struct csv *csv, const char *name);

struct mark csv_mark(const struct csv *csv, const struct csv_field *field);

#endif
