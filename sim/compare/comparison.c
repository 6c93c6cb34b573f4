/* SPDX-License-Identifier: MIT */
#include "sim/compare/comparison.h"

#include "sim/base/file.h"
#include "sim/base/text.h"
#include "sim/compare/kineto.h"
#include "sim/compare/nccl_output.h"
#include "sim/compare/row_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct runner {
    struct arena *arena;
    const struct comparison_request *request;
    struct machine_files *files;
    struct diagnostics *diagnostics;
    struct comparison *comparison;
    size_t capacity;
    size_t files_done;
};

/* How far the comparison is, with `done` of 1 of a file. */
static void tell(const struct runner *runner, double done)
{
    if (runner->request->progress != NULL) {
        progress_update(runner->request->progress,
                        ((double)runner->files_done + done) / (double)runner->request->file_count,
                        "tables");
    }
}

double figure_error(const struct figure *figure)
{
    return figure->predicted / figure->measured - 1.0;
}

/* --- which kind a table is of --- */

static size_t count_columns(const struct measurement_kind *kind, const struct csv *csv,
                            size_t *present)
{
    size_t count = 0;
    *present = 0;
    for (; kind->columns[count] != NULL; count++) {
        *present += csv_column(csv, kind->columns[count]) != CSV_NO_COLUMN;
    }
    return count;
}

static void complain_of_columns(struct runner *runner, const struct csv *csv,
                                const struct measurement_kind *nearest)
{
    struct text missing = {.arena = runner->arena};
    text_add(&missing, "");
    for (size_t i = 0; nearest->columns[i] != NULL; i++) {
        if (csv_column(csv, nearest->columns[i]) == CSV_NO_COLUMN) {
            text_print(&missing, "%s%s", missing.length == 0 ? "" : ", ", nearest->columns[i]);
        }
    }
    DIAGNOSE_ERROR(runner->diagnostics, csv_mark(csv, &csv->header[0]),
                   "no kind of measurement has these columns; nearest is %s, which also needs: %s "
                   "(cpsim compare, without a file, lists all kinds)",
                   nearest->name, missing.bytes);
}

static const struct measurement_kind *recognise(struct runner *runner, const struct csv *csv)
{
    const struct measurement_kind *best = NULL, *nearest = NULL;
    size_t best_count = 0;
    double nearest_share = -1.0;
    for (const struct measurement_kind *const *kind = measurement_kinds; *kind != NULL; kind++) {
        size_t present = 0, count = count_columns(*kind, csv, &present);
        double share = (double)present / (double)count;
        if (present == count && count > best_count) {
            best = *kind;
            best_count = count;
        }
        if (share > nearest_share) {
            nearest = *kind;
            nearest_share = share;
        }
    }
    if (best == NULL) {
        complain_of_columns(runner, csv, nearest);
    }
    return best;
}

/* --- what predicts a row --- */

/* A name and where it stands. What a row itself names comes before the command line, and that
 * before the kind's own. */
struct named {
    const char *name; /* NULL: nobody names one */
    struct mark mark;
};

static struct named name_of(const struct csv *csv, const struct csv_row *row, const char *column,
                            const char *given, const char *fallback)
{
    int index = csv_column(csv, column);
    if (index != CSV_NO_COLUMN && row->fields[index].text[0] != '\0') {
        return (struct named){row->fields[index].text, csv_mark(csv, &row->fields[index])};
    }
    struct mark mark = {.file = "the command line"};
    return (struct named){given != NULL ? given : fallback, mark};
}

/* The one that the command line names, before the device that the row does. */
static const struct gpu *row_gpu(struct runner *runner, const struct csv *csv,
                                 const struct csv_row *row)
{
    const struct comparison_request *request = runner->request;
    struct mark mark = {.file = "the command line"};
    if (request->gpu_values != NULL || request->gpu != NULL) {
        return request->gpu_values != NULL ? request->gpu_values
                                           : machine_gpu(runner->files, request->gpu, mark);
    }
    const struct csv_field *field = &row->fields[csv_column(csv, "gpu")];
    return machine_gpu_of_device(runner->files, field->text, csv_mark(csv, field));
}

static bool find_machine(struct runner *runner, const struct measurement_kind *kind,
                         const struct csv *csv, const struct csv_row *row, struct machine *machine)
{
    const struct comparison_request *request = runner->request;
    *machine = (struct machine){.gpu = NULL};
    if (!kind->without_gpu) {
        machine->gpu = row_gpu(runner, csv, row);
    }
    machine->cluster = kind->cluster ? request->cluster_values : NULL;
    machine->software = kind->software != NULL ? request->software_values : NULL;
    if (kind->cluster && machine->cluster == NULL) {
        struct named named = name_of(csv, row, "cluster", request->cluster, NULL);
        if (named.name == NULL) {
            DIAGNOSE_ERROR(runner->diagnostics,
                           ((struct mark){.file = csv->file, .line = row->line, .column = 1}),
                           "cluster: the row names none, and there is no --cluster");
        } else {
            machine->cluster = machine_cluster(runner->files, named.name, named.mark);
        }
    }
    if (kind->software != NULL && machine->software == NULL) {
        struct named named = name_of(csv, row, "software", request->software, kind->software);
        machine->software = machine_software(runner->files, named.name, named.mark);
    }
    return (kind->without_gpu || machine->gpu != NULL) &&
           (!kind->cluster || machine->cluster != NULL) &&
           (kind->software == NULL || machine->software != NULL);
}

/* What the command line must name for such a table. */
static bool check_request(struct runner *runner, const struct measurement_kind *kind,
                          const struct csv *csv)
{
    struct mark mark = {.file = csv->file};
    bool fine = true;
    if (!kind->without_gpu && runner->request->gpu == NULL && runner->request->gpu_values == NULL &&
        csv_column(csv, "gpu") == CSV_NO_COLUMN) {
        DIAGNOSE_ERROR(runner->diagnostics, mark,
                       "rows of kind %s need a GPU: --gpu NAME, such as --gpu h100-sxm",
                       kind->name);
        fine = false;
    }
    if (kind->cluster && runner->request->cluster == NULL &&
        runner->request->cluster_values == NULL && csv_column(csv, "cluster") == CSV_NO_COLUMN) {
        DIAGNOSE_ERROR(runner->diagnostics, mark,
                       "rows of kind %s need a cluster: --cluster NAME, such as --cluster dgx-h100",
                       kind->name);
        fine = false;
    }
    return fine;
}

/* --- rows --- */

static void keep_row(struct runner *runner, const struct compared_row *row)
{
    struct comparison *comparison = runner->comparison;
    if (comparison->row_count == runner->capacity) {
        runner->capacity = runner->capacity == 0 ? 256 : 2 * runner->capacity;
        struct compared_row *rows =
            ARENA_ARRAY(runner->arena, struct compared_row, runner->capacity);
        if (comparison->row_count > 0) {
            memcpy(rows, comparison->rows, comparison->row_count * sizeof *rows);
        }
        comparison->rows = rows;
    }
    comparison->rows[comparison->row_count++] = *row;
}

static struct measurement measurement_of(struct runner *runner, const struct csv *csv,
                                         const struct csv_row *row)
{
    return (struct measurement){.csv = csv,
                                .row = row,
                                .files = runner->files,
                                .request_gpu = runner->request->gpu,
                                .request_cluster = runner->request->cluster,
                                .request_software = runner->request->software,
                                .arena = runner->arena,
                                .diagnostics = runner->diagnostics};
}

static void keep_prediction(struct runner *runner, const struct measurement_kind *kind,
                            const struct measurement *measurement)
{
    struct compared_row compared = {.kind = kind,
                                    .csv = measurement->csv,
                                    .row = measurement->row,
                                    .kernel = measurement->kernel,
                                    .unanswered = measurement->unanswered};
    if (!measurement->wrong && (measurement->figure_count > 0 || compared.unanswered != NULL)) {
        compared.figure_count = measurement->figure_count;
        memcpy(compared.figures, measurement->figures, sizeof compared.figures);
        keep_row(runner, &compared);
    }
}

static void predict_row(struct runner *runner, const struct measurement_kind *kind,
                        const struct csv *csv, const struct csv_row *row)
{
    struct measurement measurement = measurement_of(runner, csv, row);
    if (!find_machine(runner, kind, csv, row, &measurement.machine)) {
        return;
    }
    measurement.scratch = arena_create();
    kind->predict(&measurement);
    arena_destroy(measurement.scratch);
    keep_prediction(runner, kind, &measurement);
}

static void run_rows(struct runner *runner, const struct measurement_kind *kind,
                     const struct csv *csv)
{
    struct measurement *rows = ARENA_ARRAY(runner->arena, struct measurement, csv->row_count + 1);
    for (size_t i = 0; i < csv->row_count; i++) {
        rows[i] = measurement_of(runner, csv, &csv->rows[i]);
    }
    row_runs(kind, rows, csv->row_count);
    for (size_t i = 0; i < csv->row_count; i++) {
        keep_prediction(runner, kind, &rows[i]);
    }
}

void comparison_predict_again(struct arena *arena, const struct comparison_request *request,
                              const struct compared_row *const *rows, size_t count,
                              struct figure (*figures)[MEASUREMENT_MAX_FIGURES])
{
    struct diagnostics *told_before = diagnostics_create();
    struct runner runner = {.arena = arena,
                            .request = request,
                            .files = machine_files_create(arena, told_before),
                            .diagnostics = told_before};
    for (size_t i = 0; i < count; i++) {
        struct measurement measurement = measurement_of(&runner, rows[i]->csv, rows[i]->row);
        memcpy(figures[i], rows[i]->figures, sizeof figures[i]);
        if (find_machine(&runner, rows[i]->kind, rows[i]->csv, rows[i]->row,
                         &measurement.machine)) {
            measurement.scratch = arena_create();
            rows[i]->kind->predict(&measurement);
            arena_destroy(measurement.scratch);
            memcpy(figures[i], measurement.figures, sizeof figures[i]);
        }
    }
    diagnostics_destroy(told_before);
}

/* --- shapes that several libraries ran --- */

static const char *shape_text(const struct compared_row *row, const char *column)
{
    int index = csv_column(row->csv, column);
    return index == CSV_NO_COLUMN ? "" : row->row->fields[index].text;
}

static double shape_time(const struct compared_row *row)
{
    for (size_t i = 0; i < row->figure_count; i++) {
        if (strcmp(row->figures[i].column, row->kind->time) == 0) {
            return row->figures[i].measured;
        }
    }
    return INFINITY;
}

static int by_shape(const void *left, const void *right)
{
    const struct compared_row *a = *(struct compared_row *const *)left;
    const struct compared_row *b = *(struct compared_row *const *)right;
    for (size_t i = 0; a->kind->shape[i] != NULL; i++) {
        int order = strcmp(shape_text(a, a->kind->shape[i]), shape_text(b, a->kind->shape[i]));
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int by_shape_and_time(const void *left, const void *right)
{
    const struct compared_row *a = *(struct compared_row *const *)left;
    const struct compared_row *b = *(struct compared_row *const *)right;
    int order = by_shape(left, right);
    if (order == 0) {
        order = (shape_time(a) > shape_time(b)) - (shape_time(a) < shape_time(b));
    }
    return order != 0 ? order : (a->row->line > b->row->line) - (a->row->line < b->row->line);
}

/* Of the rows of one file, from `first` on. */
static void mark_slower(struct runner *runner, size_t first)
{
    size_t count = runner->comparison->row_count - first;
    /* Of a table without rows there is no array either: nothing may be added to its place. */
    struct compared_row *rows = count < 2 ? NULL : runner->comparison->rows + first;
    if (rows == NULL || rows->kind->shape == NULL) {
        return;
    }
    struct compared_row **order = ARENA_ARRAY(runner->arena, struct compared_row *, count);
    for (size_t i = 0; i < count; i++) {
        order[i] = &rows[i];
    }
    qsort(order, count, sizeof *order, by_shape_and_time);
    for (size_t i = 1; i < count; i++) {
        order[i]->slower = by_shape(&order[i - 1], &order[i]) == 0;
    }
}

/* --- classes --- */

static struct error_class *class_of(struct comparison *comparison, const char *name)
{
    for (size_t i = 0; i < comparison->class_count; i++) {
        if (strcmp(comparison->classes[i].name, name) == 0) {
            return &comparison->classes[i];
        }
    }
    struct error_class *found = &comparison->classes[comparison->class_count++];
    found->name = name;
    return found;
}

struct error_summary comparison_errors(struct arena *arena, const struct comparison *comparison,
                                       const char *class, const bool *among)
{
    double *errors = ARENA_ARRAY(arena, double, comparison->row_count *MEASUREMENT_MAX_FIGURES + 1);
    size_t count = 0;
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *row = &comparison->rows[i];
        bool counts = !row->slower && (among == NULL || among[i]);
        for (size_t j = 0; j < row->figure_count && counts; j++) {
            if (strcmp(row->figures[j].class, class) == 0) {
                errors[count++] = figure_error(&row->figures[j]);
            }
        }
    }
    return errors_summarise(errors, count);
}

static void summarise(struct runner *runner)
{
    struct comparison *comparison = runner->comparison;
    size_t most = comparison->row_count * MEASUREMENT_MAX_FIGURES;
    comparison->classes = ARENA_ARRAY(runner->arena, struct error_class, most);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compared_row *row = &comparison->rows[i];
        for (size_t j = 0; j < row->figure_count && !row->slower; j++) {
            struct error_class *found = class_of(comparison, row->figures[j].class);
            found->extrapolated += row->figures[j].extrapolated != NULL;
        }
    }
    for (size_t i = 0; i < comparison->class_count; i++) {
        struct error_class *found = &comparison->classes[i];
        found->summary = comparison_errors(runner->arena, comparison, found->name, NULL);
    }
}

static void compare_table(struct runner *runner, const struct csv *csv)
{
    const struct measurement_kind *kind = csv == NULL ? NULL : recognise(runner, csv);
    if (kind != NULL && runner->request->one_gpu && (kind->cluster || kind->without_gpu)) {
        diagnostics_add(runner->diagnostics, SEVERITY_WARNING, (struct mark){.file = csv->file},
                        "passed over: rows of kind %s are not of one GPU alone", kind->name);
        return;
    }
    if (kind == NULL || !check_request(runner, kind, csv)) {
        return;
    }
    struct comparison *comparison = runner->comparison;
    size_t first = comparison->row_count;
    comparison->tables[comparison->table_count++] =
        (struct compared_table){.file = csv->file, .kind = kind, .row_count = csv->row_count};
    for (size_t i = 0; i < csv->row_count && !kind->runs; i++) {
        predict_row(runner, kind, csv, &csv->rows[i]);
        tell(runner, (double)(i + 1) / (double)csv->row_count);
    }
    if (kind->runs) {
        run_rows(runner, kind, csv);
    }
    mark_slower(runner, first);
}

/* CSV, what nccl-tests printed, or a trace of PyTorch's profiler, which is several tables. */
static void compare_file(struct runner *runner, const char *path)
{
    struct diagnostics *diagnostics = runner->diagnostics;
    size_t size = 0;
    char *text =
        file_read(runner->arena, path, CSV_MAX_BYTES, "a table as CSV", &size, diagnostics);
    if (text == NULL) {
        return;
    }
    if (strncmp(text, "SQLite format 3", 15) == 0) {
        DIAGNOSE_ERROR(diagnostics, (struct mark){.file = path},
                       "an SQLite file: if Nsight Systems exported it, python3 -m analysis nsight "
                       "%.200s writes the trace that cpsim compare reads",
                       path);
        return;
    }
    if (kineto_is_one(text)) {
        struct kineto_tables tables;
        bool read = kineto_read(runner->arena, path, text, size, &tables, diagnostics);
        for (size_t i = 0; read && i < tables.count; i++) {
            compare_table(runner, tables.tables[i]);
        }
        return;
    }
    const char *table = text;
    if (nccl_output_is_one(text)) {
        table = nccl_output_csv(runner->arena, path, text, diagnostics);
        size = table == NULL ? 0 : strlen(table);
    }
    compare_table(runner,
                  table == NULL ? NULL : csv_parse(runner->arena, path, table, size, diagnostics));
}

bool comparison_run(struct arena *arena, const struct comparison_request *request,
                    struct comparison *comparison, struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct runner runner = {.arena = arena,
                            .request = request,
                            .files = machine_files_create(arena, diagnostics),
                            .diagnostics = diagnostics,
                            .comparison = comparison};
    *comparison =
        (struct comparison){.tables = ARENA_ARRAY(arena, struct compared_table,
                                                  KINETO_MOST_TABLES * request->file_count + 1)};
    for (size_t i = 0; i < request->file_count; i++) {
        runner.files_done = i;
        compare_file(&runner, request->files[i]);
    }
    if (diagnostics_error_count(diagnostics) > errors_before) {
        return false;
    }
    summarise(&runner);
    return true;
}
