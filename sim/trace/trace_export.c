/* SPDX-License-Identifier: MIT
 * The formats that follow the tables: whatever a trace has, they have. */
#include "sim/trace/trace_export.h"

#include "sim/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const struct trace_export *const trace_exports[] = {&trace_export_chrome, &trace_export_csv,
                                                    &trace_export_json,   &trace_export_openmetrics,
                                                    &trace_export_chakra, NULL};

/* A cell of a row that was read: a number, or the text of a string, name or enum member. */
struct cell {
    const char *text; /* NULL: it is a number */
    bool whole;
    uint64_t count; /* of a whole number */
    double number;
};

static struct cell cell_of(const struct trace_column *column, const void *row)
{
    const char *field = (const char *)row + column->offset;
    struct cell cell = {.whole = true};
    uint32_t small;
    unsigned member;
    switch (column->type) {
    case TRACE_F64:
        cell.whole = false;
        memcpy(&cell.number, field, sizeof cell.number);
        break;
    case TRACE_U64:
        memcpy(&cell.count, field, sizeof cell.count);
        break;
    case TRACE_U32:
        memcpy(&small, field, sizeof small);
        cell.count = small;
        break;
    case TRACE_ENUM:
        memcpy(&member, field, sizeof member);
        cell.text = column->members[member];
        break;
    case TRACE_STRING:
    case TRACE_NAME:
        memcpy(&cell.text, field, sizeof cell.text);
        break;
    case TRACE_TYPE_COUNT:
        break;
    }
    return cell;
}

/* --- CSV --- */

static void write_csv_text(const char *text, FILE *stream)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"') {
            fputc('"', stream);
        }
        fputc(*c, stream);
    }
    fputc('"', stream);
}

static void write_csv_cell(struct cell cell, FILE *stream)
{
    char digits[EXACT_NUMBER_BYTES];
    if (cell.text != NULL) {
        write_csv_text(cell.text, stream);
    } else if (cell.whole) {
        fprintf(stream, "%" PRIu64, cell.count);
    } else if (isfinite(cell.number)) {
        fputs(exact_number(cell.number, digits), stream);
    }
}

static void write_csv(struct trace_reader *reader, enum trace_table table, FILE *stream)
{
    const struct trace_table_layout *layout = &trace_tables[table];
    const char *separator = "";
    for (size_t i = 0; i < layout->column_count; i++) {
        if (trace_reader_has_column(reader, table, i)) {
            fprintf(stream, "%s%s", separator, layout->columns[i].name);
            separator = ",";
        }
    }
    fputs("\n", stream);
    TRACE_READ_EACH(reader, table, void, row)
    {
        separator = "";
        for (size_t i = 0; i < layout->column_count; i++) {
            if (trace_reader_has_column(reader, table, i)) {
                fputs(separator, stream);
                write_csv_cell(cell_of(&layout->columns[i], row), stream);
                separator = ",";
            }
        }
        fputs("\n", stream);
    }
}

const struct trace_export trace_export_csv = {
    .name = "csv",
    .doc = "one table (--table), for spreadsheets",
    .extent = EXPORT_ONE_TABLE,
    .write = write_csv,
};

/* --- JSON --- */

static void write_json_cell(struct json *json, const char *name, struct cell cell)
{
    if (cell.text != NULL) {
        json_string(json, name, cell.text);
    } else if (cell.whole) {
        json_count(json, name, cell.count);
    } else {
        json_exact(json, name, cell.number);
    }
}

static void write_json_table(struct trace_reader *reader, enum trace_table table, struct json *json)
{
    const struct trace_table_layout *layout = &trace_tables[table];
    json_open(json, layout->name, '{');
    json_open(json, "units", '{');
    for (size_t i = 0; i < layout->column_count; i++) {
        if (trace_reader_has_column(reader, table, i)) {
            json_string(json, layout->columns[i].name, layout->columns[i].units);
        }
    }
    json_close(json, '}');
    json_open(json, "rows", '[');
    TRACE_READ_EACH(reader, table, void, row)
    {
        json_open(json, NULL, '{');
        for (size_t i = 0; i < layout->column_count; i++) {
            if (trace_reader_has_column(reader, table, i)) {
                write_json_cell(json, layout->columns[i].name, cell_of(&layout->columns[i], row));
            }
        }
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void write_json(struct trace_reader *reader, enum trace_table table, FILE *stream)
{
    static const char *const texts[] = {"cpsim_format", "cpsim_version", "git_revision",
                                        "simgrid_version", "scenario"};
    enum { ROW_DEPTH = 5 }; /* {"tables": {"phases": {"rows": [{ */
    struct json json = {.stream = stream, .one_line_depth = ROW_DEPTH};
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_string(&json, texts[i], trace_reader_text(reader, texts[i]));
    }
    json_count(&json, "seed", trace_reader_seed(reader));
    const struct trace_figure *figures = NULL;
    size_t figure_count = trace_reader_figures(reader, &figures);
    for (size_t i = 0; i < figure_count; i++) {
        if (figures[i].text != NULL) {
            json_string(&json, figures[i].name, figures[i].text);
        } else {
            json_exact(&json, figures[i].name, figures[i].value);
        }
    }
    json_open(&json, "tables", '{');
    for (enum trace_table i = 0; i < TRACE_TABLE_COUNT; i++) {
        if (trace_reader_has(reader, i) && (table == TRACE_TABLE_COUNT || table == i)) {
            write_json_table(reader, i, &json);
        }
    }
    json_close(&json, '}');
    json_close(&json, '}');
}

const struct trace_export trace_export_json = {
    .name = "json",
    .doc = "all tables, or one (--table), a row an object",
    .extent = EXPORT_ANY_TABLE,
    .write = write_json,
};
