/* SPDX-License-Identifier: MIT */
#include "sim/base/csv.h"

#include <string.h>

struct reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *file;
    const char *at, *end;
    const char *line_start; /* byte columns count from here */
    unsigned line;
    struct csv_field fields[CSV_MAX_COLUMNS]; /* of the line being read */
    size_t field_count;
    bool faulty;
};

static unsigned column_of(const struct reader *reader, const char *place)
{
    return (unsigned)(place - reader->line_start) + 1;
}

static struct mark mark_at(const struct reader *reader, unsigned line, unsigned column)
{
    return (struct mark){.file = reader->file, .line = line, .column = column};
}

static bool at_line_end(const struct reader *reader)
{
    return reader->at == reader->end || *reader->at == '\n' ||
           (*reader->at == '\r' && (reader->at + 1 == reader->end || reader->at[1] == '\n'));
}

static void next_line(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at != '\n') {
        reader->at++;
    }
    if (reader->at < reader->end) {
        reader->at++;
        reader->line++;
    }
    reader->line_start = reader->at;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t')) {
        reader->at++;
    }
}

/* At an opening quote. The text may span lines. */
static const char *quoted_text(struct reader *reader)
{
    struct mark opening = mark_at(reader, reader->line, column_of(reader, reader->at));
    const char *start = ++reader->at;
    char *text = arena_array(reader->arena, 1, 1);
    size_t length = 0;
    for (int pass = 0; pass < 2; pass++) { /* measure, then copy */
        length = 0;
        const char *c = start;
        for (; c < reader->end; c++) {
            if (*c == '"' && c + 1 < reader->end && c[1] == '"') {
                c++;
            } else if (*c == '"') {
                break;
            }
            if (pass == 1) {
                text[length] = *c;
            }
            length++;
        }
        if (c == reader->end) {
            DIAGNOSE_ERROR(reader->diagnostics, opening,
                           "this quote is never closed; write \"\" for a quote inside a field");
            reader->faulty = true;
            reader->at = reader->end;
            return "";
        }
        if (pass == 0) {
            text = arena_array(reader->arena, length + 1, 1);
        } else {
            for (; reader->at < c; reader->at++) {
                if (*reader->at == '\n') {
                    reader->line++;
                    reader->line_start = reader->at + 1;
                }
            }
            reader->at++;
        }
    }
    return text;
}

static const char *plain_text(struct reader *reader)
{
    const char *start = reader->at, *last = start;
    for (; !at_line_end(reader) && *reader->at != ','; reader->at++) {
        if (*reader->at != ' ' && *reader->at != '\t') {
            last = reader->at + 1;
        }
        if (*reader->at == '\0') {
            DIAGNOSE_ERROR(reader->diagnostics,
                           mark_at(reader, reader->line, column_of(reader, reader->at)),
                           "a zero byte: this is not a text file");
            reader->faulty = true;
        }
    }
    size_t length = (size_t)(last - start);
    char *text = arena_array(reader->arena, length + 1, 1);
    memcpy(text, start, length);
    return text;
}

static void read_field(struct reader *reader)
{
    skip_blanks(reader);
    struct csv_field field = {.line = reader->line, .column = column_of(reader, reader->at)};
    if (reader->at < reader->end && *reader->at == '"') {
        field.text = quoted_text(reader);
        skip_blanks(reader);
        if (!at_line_end(reader) && *reader->at != ',') {
            DIAGNOSE_ERROR(reader->diagnostics,
                           mark_at(reader, reader->line, column_of(reader, reader->at)),
                           "text after a closing quote; a comma or the line's end was expected");
            reader->faulty = true;
            plain_text(reader);
        }
    } else {
        field.text = plain_text(reader);
    }
    if (reader->field_count == CSV_MAX_COLUMNS) {
        DIAGNOSE_ERROR(reader->diagnostics, mark_at(reader, field.line, field.column),
                       "more than %d columns", CSV_MAX_COLUMNS);
        reader->faulty = true;
        return;
    }
    reader->fields[reader->field_count++] = field;
}

/* The fields of the next line that holds any; false at the end of the text. */
static bool read_line(struct reader *reader)
{
    reader->field_count = 0;
    reader->faulty = false;
    while (reader->at < reader->end && (at_line_end(reader) || *reader->at == '#')) {
        next_line(reader);
    }
    if (reader->at == reader->end) {
        return false;
    }
    read_field(reader);
    while (!reader->faulty && reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        read_field(reader);
    }
    next_line(reader);
    return true;
}

static struct csv_field *keep_fields(const struct reader *reader)
{
    struct csv_field *fields = ARENA_ARRAY(reader->arena, struct csv_field, reader->field_count);
    memcpy(fields, reader->fields, reader->field_count * sizeof *fields);
    return fields;
}

static void check_header(const struct reader *reader, const struct csv *csv)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        const struct csv_field *name = &csv->header[i];
        if (name->text[0] == '\0') {
            DIAGNOSE_ERROR(reader->diagnostics, csv_mark(csv, name), "a column without a name");
        }
        for (size_t j = 0; j < i && name->text[0] != '\0'; j++) {
            if (strcmp(csv->header[j].text, name->text) == 0) {
                DIAGNOSE_ERROR(reader->diagnostics, csv_mark(csv, name),
                               "two columns are called '%s'", name->text);
                break;
            }
        }
    }
}

static void keep_row(struct reader *reader, struct csv *csv, size_t *capacity)
{
    if (csv->row_count == *capacity) {
        *capacity = *capacity == 0 ? 64 : 2 * *capacity;
        struct csv_row *rows = ARENA_ARRAY(reader->arena, struct csv_row, *capacity);
        if (csv->row_count > 0) {
            memcpy(rows, csv->rows, csv->row_count * sizeof *rows);
        }
        csv->rows = rows;
    }
    csv->rows[csv->row_count++] =
        (struct csv_row){.line = reader->fields[0].line, .fields = keep_fields(reader)};
}

struct csv *csv_parse(struct arena *arena, const char *file, const char *bytes, size_t length,
                      struct diagnostics *diagnostics)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reader *reader = ARENA_NEW(arena, struct reader);
    bool marked = length >= 3 && memcmp(bytes, byte_order_mark, 3) == 0;
    *reader = (struct reader){.arena = arena,
                              .diagnostics = diagnostics,
                              .file = arena_strdup(arena, file),
                              .at = bytes + (marked ? 3 : 0),
                              .end = bytes + length,
                              .line = 1};
    reader->line_start = reader->at;
    struct csv *csv = ARENA_NEW(arena, struct csv);
    csv->file = reader->file;
    if (!read_line(reader)) {
        DIAGNOSE_ERROR(diagnostics, mark_at(reader, 1, 1),
                       "an empty table: a header line that names the columns was expected");
        return NULL;
    }
    if (reader->faulty) {
        return NULL;
    }
    csv->header = keep_fields(reader);
    csv->column_count = reader->field_count;
    check_header(reader, csv);
    size_t capacity = 0;
    while (read_line(reader)) {
        if (reader->faulty) {
            continue;
        }
        if (reader->field_count != csv->column_count) {
            DIAGNOSE_ERROR(diagnostics,
                           mark_at(reader, reader->fields[0].line, reader->fields[0].column),
                           "%zu fields, but the header names %zu columns", reader->field_count,
                           csv->column_count);
            continue;
        }
        keep_row(reader, csv, &capacity);
    }
    return csv;
}

int csv_column(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        if (strcmp(csv->header[i].text, name) == 0) {
            return (int)i;
        }
    }
    return CSV_NO_COLUMN;
}

struct mark csv_mark(const struct csv *csv, const struct csv_field *field)
{
    return (struct mark){.file = csv->file, .line = field->line, .column = field->column};
}
