/* SPDX-License-Identifier: MIT
 * A table for people: columns as wide as what is in them, two spaces between (or `gap`). Columns
 * that would pass the width go into a second table below, under the rows' names again. */
#ifndef CPSIM_SIM_BASE_TABLE_H
#define CPSIM_SIM_BASE_TABLE_H

#include "sim/base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS = 256 };

/* Owner of the cells: the arena. */
struct table {
    struct arena *arena;
    const char **cells; /* [count], row by row */
    size_t columns, count, capacity;
    size_t gap;                 /* spaces between columns: 2 */
    bool left[TABLE_COLUMNS];   /* flush left; otherwise right, as numbers are */
    bool apart[TABLE_COLUMNS];  /* begins a table of its own, even where there is room */
    const char *before, *after; /* around the first row: escapes */
};

/* Without rows; the first row that is added names the columns. The first column is flush left. */
struct table table_create(struct arena *arena, size_t columns);

/* The next cell; copied. A row is whole when it has a cell for each column. */
void table_add(struct table *table, const char *cell);
void table_print_cell(struct table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* All of it, a line a row. */
void table_print(const struct table *table, size_t width, struct text *text);

#endif
