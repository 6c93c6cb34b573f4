/* SPDX-License-Identifier: MIT */
#include "sim/sweep/result.h"

#include "sim/base/output_file.h"
#include "sim/sweep/result_columns.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWEEP_FORMAT "1.0"

/* --- sweep.h5 --- */

const char *result_trace_name(struct arena *arena, uint64_t point)
{
    return arena_printf(arena, "traces/%06" PRIu64 ".h5", point);
}

static void add_traces(struct result_file *file, const struct journal_contents *contents,
                       struct arena *arena)
{
    const char **paths = ARENA_ARRAY(arena, const char *, contents->done + 1);
    uint64_t *rows = ARENA_ARRAY(arena, uint64_t, contents->done + 1);
    size_t count = 0;
    for (uint64_t point = 0; point < contents->sweep.point_count; point++) {
        const struct point_record *record = contents->points[point];
        if (record != NULL && record->status == POINT_DONE) {
            paths[count] = result_trace_name(arena, point);
            rows[count++] = point;
        }
    }
    result_file_add_traces(file, paths, rows, count);
}

static bool write_hdf5(const struct journal_contents *contents,
                       const struct result_columns *columns, const char *path, struct arena *arena,
                       struct diagnostics *diagnostics)
{
    const struct sweep_record *sweep = &contents->sweep;
    struct result_file *file = result_file_open(path, diagnostics);
    if (file == NULL) {
        return false;
    }
    result_file_add_text(file, "cpsim_sweep_format", SWEEP_FORMAT);
    result_file_add_text(file, "cpsim_version", sweep->version);
    result_file_add_text(file, "git_revision", sweep->revision);
    result_file_add_text(file, "title", sweep->title);
    result_file_add_count(file, "seed", sweep->seed);
    result_file_add_count(file, "points", sweep->point_count);
    result_file_add_text(file, "sweep", sweep->sweep_yaml);
    result_file_add_text(file, "base", sweep->base_yaml);
    result_file_add_table(file, "points",
                          "A row a point: what was varied, what came of it, what was found.",
                          columns->columns, columns->count, columns->rows);
    if (sweep->traces) {
        add_traces(file, contents, arena);
    }
    return result_file_close(file);
}

/* --- sweep.csv --- */

static void write_csv_text(FILE *stream, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (const char *c = text; *c != '\0'; c++) {
        fprintf(stream, *c == '"' ? "\"\"" : "%c", *c);
    }
    fputc('"', stream);
}

static void write_csv_cell(FILE *stream, const struct result_column *column, uint64_t row)
{
    const char *at = column->cells;
    double number = 0.0;
    uint64_t whole = 0;
    uint32_t short_whole = 0;
    const char *text = NULL;
    switch (column->column.type) {
    case TRACE_F64:
        memcpy(&number, at + row * sizeof number, sizeof number);
        if (!isnan(number)) { /* an empty cell: pandas reads NaN */
            fprintf(stream, "%.17g", number);
        }
        return;
    case TRACE_U64:
        memcpy(&whole, at + row * sizeof whole, sizeof whole);
        fprintf(stream, "%" PRIu64, whole);
        return;
    case TRACE_U32:
        memcpy(&short_whole, at + row * sizeof short_whole, sizeof short_whole);
        fprintf(stream, "%" PRIu32, short_whole);
        return;
    case TRACE_ENUM:
        fputs(column->column.members[(unsigned char)at[row]], stream);
        return;
    case TRACE_STRING:
    case TRACE_NAME:
        memcpy(&text, at + row * sizeof text, sizeof text);
        write_csv_text(stream, text);
        return;
    case TRACE_TYPE_COUNT:
        return;
    }
}

static bool write_csv(const struct result_columns *columns, const char *path,
                      struct diagnostics *diagnostics)
{
    struct output_file *file = output_open(path, diagnostics);
    FILE *stream = file == NULL ? NULL : output_stream(file);
    for (uint64_t row = 0; stream != NULL && row <= columns->rows; row++) {
        for (size_t i = 0; i < columns->count; i++) {
            fputs(i == 0 ? "" : ",", stream);
            if (row == 0) {
                write_csv_text(stream, columns->columns[i].column.name);
            } else {
                write_csv_cell(stream, &columns->columns[i], row - 1);
            }
        }
        fputc('\n', stream);
    }
    return file != NULL && output_close(file, 0);
}

bool result_write_files(const struct journal_contents *contents, const char *folder,
                        struct diagnostics *diagnostics)
{
    struct arena *arena = arena_create();
    struct result_columns columns = result_columns_make(arena, contents);
    bool written = write_csv(&columns, arena_printf(arena, "%s/sweep.csv", folder), diagnostics) &&
                   write_hdf5(contents, &columns, arena_printf(arena, "%s/sweep.h5", folder), arena,
                              diagnostics);
    arena_destroy(arena);
    return written;
}
