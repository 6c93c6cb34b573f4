/* SPDX-License-Identifier: MIT */
#include "sim/compare/report.h"

#include "sim/base/json.h"
#include "sim/base/quantity.h"
#include "sim/base/table.h"
#include "sim/config/find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A figure with the row it stands in. */
struct place {
    const struct compared_row *row;
    const struct figure *figure;
};

/* --- text --- */

enum { CLASS_COLUMNS = 7 };

static void add_class(struct table *table, const char *name, const struct error_summary *summary,
                      size_t extrapolated)
{
    table_add(table, name);
    table_print_cell(table, "%zu", summary->count);
    table_print_cell(table, "%.1f %%", 100.0 * summary->median);
    table_print_cell(table, "%.1f %%", 100.0 * summary->ninth_decile);
    table_print_cell(table, "%.1f %%", 100.0 * summary->worst);
    table_print_cell(table, "%+.1f %%", 100.0 * summary->bias);
    if (table->columns == CLASS_COLUMNS) {
        table_print_cell(table, extrapolated > 0 ? "%zu" : "-", extrapolated);
    }
}

/* Of kinds whose rows are runs, all rows of a column together. */
static void add_totals(struct table *table, const struct comparison *comparison)
{
    double *errors = ARENA_ARRAY(table->arena, double, comparison->row_count + 1);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *first = &comparison->rows[i];
        if (!first->kind->runs || first->figure_count == 0) {
            continue;
        }
        for (size_t j = 0; j < first->figure_count; j++) {
            const char *column = first->figures[j].column;
            size_t count = 0;
            for (size_t k = i; k < comparison->row_count; k++) {
                const struct compared_row *row = &comparison->rows[k];
                for (size_t l = 0; l < row->figure_count; l++) {
                    bool same =
                        row->kind == first->kind && strcmp(row->figures[l].column, column) == 0;
                    errors[count] = same ? figure_error(&row->figures[l]) : 0.0;
                    count += same;
                }
            }
            struct error_summary summary = errors_summarise(errors, count);
            add_class(table, arena_printf(table->arena, "all %s", column), &summary, 0);
        }
        return;
    }
}

static void print_classes(struct text *text, const struct comparison *comparison, size_t width)
{
    static const char *const headings[CLASS_COLUMNS] = {"class", "count", "median",      "p90",
                                                        "worst", "bias",  "extrapolated"};
    bool extrapolated = false;
    for (size_t i = 0; i < comparison->class_count; i++) {
        extrapolated = extrapolated || comparison->classes[i].extrapolated > 0;
    }
    struct table table = table_create(text->arena, CLASS_COLUMNS - (extrapolated ? 0 : 1));
    for (size_t i = 0; i < table.columns; i++) {
        table_add(&table, headings[i]);
    }
    for (size_t i = 0; i < comparison->class_count; i++) {
        const struct error_class *class = &comparison->classes[i];
        add_class(&table, class->name, &class->summary, class->extrapolated);
    }
    add_totals(&table, comparison);
    table_print(&table, width, text);
}

static bool is_figure(const struct compared_row *row, const char *column)
{
    for (size_t i = 0; i < row->figure_count; i++) {
        if (strcmp(row->figures[i].column, column) == 0) {
            return true;
        }
    }
    return false;
}

/* "m=1 k=16384 n=2304": what the kind asks for and does not predict. */
static void print_shape(struct text *text, const struct compared_row *row)
{
    const struct measurement_kind *kind = row->kind;
    for (size_t i = 0; kind->columns[i] != NULL; i++) {
        int index = csv_column(row->csv, kind->columns[i]);
        const char *value = row->row->fields[index].text;
        if (value[0] != '\0' && !is_figure(row, kind->columns[i])) {
            text_print(text, " %s=%.40s", kind->columns[i], value);
        }
    }
}

static int by_error(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    double error_a = fabs(figure_error(a->figure)), error_b = fabs(figure_error(b->figure));
    if (error_a < error_b || error_a > error_b) {
        return error_a > error_b ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static struct place *places_by_error(struct text *text, const struct comparison *comparison,
                                     size_t *count)
{
    struct place *places =
        ARENA_ARRAY(text->arena, struct place, comparison->row_count * MEASUREMENT_MAX_FIGURES + 1);
    *count = 0;
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *row = &comparison->rows[i];
        for (size_t j = 0; j < row->figure_count && !row->slower; j++) {
            places[(*count)++] = (struct place){row, &row->figures[j]};
        }
    }
    qsort(places, *count, sizeof *places, by_error);
    return places;
}

static void print_worst(struct text *text, const struct comparison *comparison)
{
    size_t count = 0;
    const struct place *places = places_by_error(text, comparison, &count);
    text_print(text, "\nworst rows\n");
    for (size_t i = 0; i < count && i < REPORT_WORST_ROWS; i++) {
        const struct compared_row *row = places[i].row;
        const struct figure *figure = places[i].figure;
        text_print(text, "%+6.1f %%  %s:%u", 100.0 * figure_error(figure),
                   file_name(row->csv->file), row->row->line);
        print_shape(text, row);
        text_print(text, ": %s %s measured, %s predicted%s\n", figure->column,
                   quantity_number(figure->measured).text, quantity_number(figure->predicted).text,
                   figure->extrapolated == NULL ? "" : " (extrapolated)");
    }
}

static void print_extrapolations(struct text *text, const struct comparison *comparison)
{
    enum { SHOWN = 5 };
    size_t count = 0;
    const char *last = NULL;
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *row = &comparison->rows[i];
        const char *why = row->slower ? NULL : row->figures[0].extrapolated;
        if (why == NULL) {
            continue;
        }
        count++;
        if (last == NULL || strcmp(last, why) != 0) {
            text_print(text, "%s%s:%u: %s\n", last == NULL ? "\nextrapolated\n" : "",
                       file_name(row->csv->file), row->row->line, why);
            last = why;
            if (count >= SHOWN) {
                text_add(text, "... --csv and --json say why for each\n");
                return;
            }
        }
    }
}

/* How many rows have a prediction, and why the others have none. */
static void print_answered(struct text *text, const struct comparison *comparison)
{
    size_t unanswered = 0;
    for (size_t i = 0; i < comparison->row_count; i++) {
        unanswered += comparison->rows[i].unanswered != NULL;
    }
    if (unanswered == 0) {
        return;
    }
    text_print(text, "\n%zu of %zu rows answered; not:\n", comparison->row_count - unanswered,
               comparison->row_count);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const char *why = comparison->rows[i].unanswered;
        size_t alike = 0;
        bool first = why != NULL;
        for (size_t j = 0; j < comparison->row_count && first; j++) {
            const char *other = comparison->rows[j].unanswered;
            bool same = other != NULL && strcmp(other, why) == 0;
            alike += same;
            first = !same || j >= i;
        }
        if (first) {
            text_print(text, "%5zu  %s:%u: %s\n", alike, file_name(comparison->rows[i].csv->file),
                       comparison->rows[i].row->line, why);
        }
    }
}

void report_print(struct text *text, const struct comparison *comparison, size_t width)
{
    text_add(text, "");
    print_classes(text, comparison, width);
    size_t slower = 0;
    for (size_t i = 0; i < comparison->row_count; i++) {
        slower += comparison->rows[i].slower;
    }
    if (slower > 0) {
        text_print(text, "%zu rows don't count: another library ran the same shape faster\n",
                   slower);
    }
    print_worst(text, comparison);
    print_answered(text, comparison);
    print_extrapolations(text, comparison);
}

/* --- for programs --- */

static void write_row(struct json *json, const struct compared_row *row)
{
    if (row->unanswered != NULL) {
        json_open(json, NULL, '{');
        json_string(json, "file", row->csv->file);
        json_count(json, "line", row->row->line);
        json_string(json, "kind", row->kind->name);
        json_string(json, "unanswered", row->unanswered);
        json_close(json, '}');
    }
    for (size_t i = 0; i < row->figure_count; i++) {
        const struct figure *figure = &row->figures[i];
        json_open(json, NULL, '{');
        json_string(json, "file", row->csv->file);
        json_count(json, "line", row->row->line);
        json_string(json, "kind", row->kind->name);
        json_string(json, "class", figure->class);
        json_string(json, "column", figure->column);
        json_number(json, "measured", figure->measured);
        json_number(json, "predicted", figure->predicted);
        json_number(json, "error", figure_error(figure));
        json_count(json, "counts", row->slower ? 0 : 1);
        if (figure->extrapolated != NULL) {
            json_string(json, "extrapolated", figure->extrapolated);
        }
        json_close(json, '}');
    }
}

void report_print_json(const struct comparison *comparison, FILE *stream)
{
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_open(&json, "tables", '[');
    for (size_t i = 0; i < comparison->table_count; i++) {
        json_open(&json, NULL, '{');
        json_string(&json, "file", comparison->tables[i].file);
        json_string(&json, "kind", comparison->tables[i].kind->name);
        json_count(&json, "rows", comparison->tables[i].row_count);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_open(&json, "classes", '[');
    for (size_t i = 0; i < comparison->class_count; i++) {
        const struct error_class *class = &comparison->classes[i];
        json_open(&json, NULL, '{');
        json_string(&json, "class", class->name);
        json_count(&json, "count", class->summary.count);
        json_number(&json, "median", class->summary.median);
        json_number(&json, "p90", class->summary.ninth_decile);
        json_number(&json, "worst", class->summary.worst);
        json_number(&json, "bias", class->summary.bias);
        json_count(&json, "extrapolated", class->extrapolated);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_open(&json, "rows", '[');
    for (size_t i = 0; i < comparison->row_count; i++) {
        write_row(&json, &comparison->rows[i]);
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

/* A field that holds a comma or a quote is quoted. */
static void add_field(struct text *text, const char *field)
{
    if (field[strcspn(field, ",\"\n")] == '\0') {
        text_add(text, field);
        return;
    }
    text_add(text, "\"");
    for (const char *c = field; *c != '\0'; c++) {
        text_append(text, c, 1);
        if (*c == '"') {
            text_append(text, c, 1);
        }
    }
    text_add(text, "\"");
}

void report_print_csv(struct text *text, const struct comparison *comparison)
{
    text_add(text, "file,line,kind,class,column,measured,predicted,error,remark\n");
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *row = &comparison->rows[i];
        if (row->unanswered != NULL) {
            add_field(text, row->csv->file);
            text_print(text, ",%u,%s,,,,,,", row->row->line, row->kind->name);
            add_field(text, arena_printf(text->arena, "not answered: %s", row->unanswered));
            text_add(text, "\n");
        }
        for (size_t j = 0; j < row->figure_count; j++) {
            const struct figure *figure = &row->figures[j];
            add_field(text, row->csv->file);
            text_print(text, ",%u,%s,", row->row->line, row->kind->name);
            add_field(text, figure->class);
            text_print(text, ",%s,%.6g,%.6g,%.5f,", figure->column, figure->measured,
                       figure->predicted, figure_error(figure));
            if (row->slower) {
                add_field(text, "does not count: another library was faster");
            } else if (figure->extrapolated != NULL) {
                text_add(text, "extrapolated: ");
                text_add(text, figure->extrapolated);
            }
            text_add(text, "\n");
        }
    }
}

void report_print_kinds(struct text *text)
{
    text_add(text, "A table is of the kind whose columns it has; more columns do no harm.\n");
    for (const struct measurement_kind *const *kind = measurement_kinds; *kind != NULL; kind++) {
        text_print(text, "\n%s: %s\n", (*kind)->name, (*kind)->doc);
        struct text columns = {.arena = text->arena};
        for (size_t i = 0; (*kind)->columns[i] != NULL; i++) {
            text_print(&columns, "%s%s", i == 0 ? "" : ",", (*kind)->columns[i]);
        }
        text_print(text, "  %s\n", columns.bytes);
        if ((*kind)->cluster || (*kind)->software != NULL) {
            text_print(text, "  needs%s%s%s%s\n", (*kind)->without_gpu ? "" : " --gpu",
                       (*kind)->cluster ? " --cluster" : "",
                       (*kind)->software == NULL ? "" : "; software: ",
                       (*kind)->software == NULL ? "" : (*kind)->software);
        } else {
            text_add(text, "  needs --gpu\n");
        }
    }
}
