/* SPDX-License-Identifier: MIT
 * A measured table: a header line, then rows of plain numbers and words, read whole. Lines that
 * start with '#' are comments. A quoted field may hold commas. */
#ifndef CPSIM_TESTS_CSV_H
#define CPSIM_TESTS_CSV_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_MAX_COLUMNS = 32, CSV_MAX_LINE = 512, CSV_MAX_ROWS = 1200 };

struct csv_row {
    char text[CSV_MAX_LINE];
    char *field[CSV_MAX_COLUMNS]; /* into text; "" where the row is short */
};

struct csv {
    const char *name;
    struct csv_row header;
    struct csv_row rows[CSV_MAX_ROWS];
    size_t row_count;
};

static inline void csv_split(struct csv_row *row)
{
    static char empty[] = "";
    char *cursor = row->text;
    cursor[strcspn(cursor, "\r\n")] = '\0';
    for (int i = 0; i < CSV_MAX_COLUMNS; i++) {
        row->field[i] = cursor;
        if (*cursor == '\0') {
            row->field[i] = empty;
            continue;
        }
        if (*cursor == '"') {
            cursor += 1 + strcspn(cursor + 1, "\"") + 1;
        }
        cursor += strcspn(cursor, ",");
        if (*cursor == ',') {
            *cursor++ = '\0';
        }
    }
}

/* Reads tests/validation/silicon/<name>.csv; the test fails when it can't. Free with free(). */
static inline struct csv *csv_read(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/validation/silicon/%s.csv", CPSIM_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s could not be opened", path);
    struct csv *csv = calloc(1, sizeof *csv);
    ck_assert_ptr_nonnull(csv);
    csv->name = name;
    bool header = true;
    struct csv_row *row = &csv->header;
    while (fgets(row->text, CSV_MAX_LINE, file) != NULL) {
        if (row->text[0] == '#') {
            continue;
        }
        csv_split(row);
        csv->row_count += header ? 0 : 1;
        header = false;
        ck_assert_msg(csv->row_count < CSV_MAX_ROWS, "%s has too many rows", path);
        row = &csv->rows[csv->row_count];
    }
    fclose(file);
    return csv;
}

static inline const char *csv_text(const struct csv *csv, size_t row, const char *column)
{
    for (int i = 0; i < CSV_MAX_COLUMNS; i++) {
        if (strcmp(csv->header.field[i], column) == 0) {
            return csv->rows[row].field[i];
        }
    }
    ck_abort_msg("%s has no column '%s'", csv->name, column);
}

static inline double csv_number(const struct csv *csv, size_t row, const char *column)
{
    const char *text = csv_text(csv, row, column);
    char *end = NULL;
    double value = strtod(text, &end);
    ck_assert_msg(end != text && *end == '\0', "%s: '%s' in column '%s' is not a number", csv->name,
                  text, column);
    return value;
}

static inline bool csv_is(const struct csv *csv, size_t row, const char *column, const char *text)
{
    return strcmp(csv_text(csv, row, column), text) == 0;
}

#endif
