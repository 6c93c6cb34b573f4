/* SPDX-License-Identifier: MIT
 * The tables of a trace, as data: the writer, the checker and the reference page read nothing
 * else. */
#ifndef CPSIM_SIM_TRACE_TRACE_TABLES_H
#define CPSIM_SIM_TRACE_TRACE_TABLES_H

#include <stdbool.h>
#include <stddef.h>

/* The major number changes when a reader of the old files would go wrong, the minor one when there
 * is more to read. */
#define TRACE_FORMAT "1.4"

enum trace_table {
    TRACE_PHASES,
    TRACE_OPERATORS,
    TRACE_LINKS,
    TRACE_GPUS,
    TRACE_REQUESTS,
    TRACE_STEPS,
    TRACE_SERIES,
    TRACE_CELLS,
    TRACE_STAGES,
    TRACE_LINK_SERIES,
    TRACE_FAULTS,
    TRACE_GROUPS,
    TRACE_TABLE_COUNT
};

enum trace_type {
    TRACE_F64,    /* double */
    TRACE_U64,    /* uint64_t */
    TRACE_U32,    /* uint32_t */
    TRACE_ENUM,   /* an enum of C; in the file one byte, with the names of its members */
    TRACE_STRING, /* const char *; in the file UTF-8 of any length */
    TRACE_NAME,   /* const char *, one of few; in the file a code into the attribute "categories" */
    TRACE_TYPE_COUNT
};

struct trace_column {
    const char *name;
    enum trace_type type;
    size_t offset; /* in the row's struct */
    const char *units;
    const char *const *members; /* of a TRACE_ENUM, ended by NULL */
    const char *row_of;         /* TRACE_U32: the table whose row's number it is, or NULL */
    bool may_be_missing;   /* TRACE_F64: NaN when not known; all others are finite, from 0 up */
    const char *long_name; /* one sentence */
};

struct trace_table_layout {
    const char *name;      /* of the group */
    const char *long_name; /* one sentence */
    size_t row_bytes;      /* of the row's struct */
    const struct trace_column *columns;
    size_t column_count;
    bool optional; /* there only when it has rows */
};

extern const struct trace_table_layout trace_tables[TRACE_TABLE_COUNT];

size_t trace_member_count(const struct trace_column *column);

/* One column of `count` rows, [count] structs of the table, side by side: doubles, integers, a byte
 * an enum, const char * of a string, uint16_t of a name (the row's field begins with its code). */
void trace_gather_cells(const struct trace_table_layout *layout, size_t column, const void *rows,
                        size_t count, void *cells);
size_t trace_cell_bytes(enum trace_type type); /* of one of them */

const char *trace_type_name(enum trace_type type); /* "float64", "enum" */

#endif
