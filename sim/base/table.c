/* SPDX-License-Identifier: MIT */
#include "sim/base/table.h"

#include "sim/base/fold.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GAP = 2 };

struct table table_create(struct arena *arena, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS);
    struct table table = {
        .arena = arena, .columns = columns, .gap = GAP, .before = "", .after = ""};
    table.left[0] = true;
    return table;
}

void table_add(struct table *table, const char *cell)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        const char **larger = ARENA_ARRAY(table->arena, const char *, table->capacity);
        if (table->count > 0) {
            memcpy(larger, table->cells, table->count * sizeof *larger);
        }
        table->cells = larger;
    }
    table->cells[table->count++] = arena_strdup(table->arena, cell);
}

void table_print_cell(struct table *table, const char *format, ...)
{
    char cell[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell, sizeof cell, format, arguments);
    va_end(arguments);
    table_add(table, cell);
}

static void print_cell(const struct table *table, size_t row, size_t column, size_t width,
                       bool last, struct text *text)
{
    const char *cell = table->cells[row * table->columns + column];
    size_t spaces = width - fold_columns(cell);
    bool left = table->left[column];
    for (size_t i = 0; i < spaces && !left; i++) {
        text_append(text, " ", 1);
    }
    text_add(text, cell);
    for (size_t i = 0; i < spaces && left && !last; i++) {
        text_append(text, " ", 1);
    }
}

/* The first column and those from `begin` to before `end`. */
static void print_block(const struct table *table, const size_t *widths, size_t begin, size_t end,
                        struct text *text)
{
    for (size_t row = 0; row < table->count / table->columns; row++) {
        text_add(text, row == 0 ? table->before : "");
        print_cell(table, row, 0, widths[0], end <= begin, text);
        for (size_t column = begin; column < end; column++) {
            text_append(text, "  ", table->gap);
            print_cell(table, row, column, widths[column], column + 1 == end, text);
        }
        text_add(text, row == 0 ? table->after : "");
        text_append(text, "\n", 1);
    }
}

void table_print(const struct table *table, size_t width, struct text *text)
{
    assert(table->count % table->columns == 0);
    size_t widths[TABLE_COLUMNS] = {0};
    for (size_t i = 0; i < table->count; i++) {
        size_t columns = fold_columns(table->cells[i]);
        size_t *column = &widths[i % table->columns];
        *column = columns > *column ? columns : *column;
    }
    text_add(text, "");
    size_t begin = 1;
    do {
        size_t end = begin, total = widths[0];
        while (
            end < table->columns &&
            (end == begin || (total + table->gap + widths[end] <= width && !table->apart[end]))) {
            total += table->gap + widths[end++];
        }
        text_add(text, begin > 1 ? "\n" : "");
        print_block(table, widths, begin, end, text);
        begin = end;
    } while (begin < table->columns);
}
