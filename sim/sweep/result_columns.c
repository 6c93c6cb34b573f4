/* SPDX-License-Identifier: MIT */
#include "sim/sweep/result_columns.h"

#include "sim/config/field.h"
#include "sim/figures/figure_page.h"
#include "sim/run/run.h"
#include "sim/scenario/tables.h"

#include <math.h>
#include <string.h>

static const char *const statuses[] = {
    [POINT_DONE] = "done", [POINT_REJECTED] = "rejected", [POINT_FAILED] = "failed", NULL};

struct building {
    struct arena *arena;
    const struct journal_contents *contents;
    struct result_columns result;
    size_t capacity;
};

/* A new column, its cells zero. */
static void *add(struct building *building, struct trace_column column, size_t cell_bytes)
{
    struct result_columns *result = &building->result;
    if (result->count == building->capacity) {
        building->capacity = 2 * building->capacity + 32;
        struct result_column *larger =
            ARENA_ARRAY(building->arena, struct result_column, building->capacity);
        if (result->count > 0) {
            memcpy(larger, result->columns, result->count * sizeof *larger);
        }
        result->columns = larger;
    }
    void *cells = arena_array(building->arena, result->rows + 1, cell_bytes);
    result->columns[result->count++] = (struct result_column){.column = column, .cells = cells};
    return cells;
}

/* The points that have a record, in order: for (... row < rows ...) with this. */
static const struct point_record *next_record(const struct journal_contents *contents,
                                              uint64_t *point)
{
    while (contents->points[*point] == NULL) {
        ++*point;
    }
    return contents->points[(*point)++];
}

static void add_points(struct building *building)
{
    uint64_t rows = building->result.rows;
    uint64_t *points = add(building,
                           (struct trace_column){.name = "point",
                                                 .type = TRACE_U64,
                                                 .units = "1",
                                                 .long_name = "Number of the point, from 0."},
                           sizeof *points);
    uint32_t *replications =
        add(building,
            (struct trace_column){.name = "replication",
                                  .type = TRACE_U32,
                                  .units = "1",
                                  .long_name = "Which run of the same parameters, from 0."},
            sizeof *replications);
    for (uint64_t row = 0, point = 0; row < rows; row++) {
        const struct point_record *record = next_record(building->contents, &point);
        points[row] = record->point;
        replications[row] = record->replication;
    }
}

static const char *doc_of_key(struct arena *arena, const char *key)
{
    const struct field *field = field_find_path(scenario_fields, key);
    return field == NULL || field->doc == NULL
               ? "Key of the scenario that the sweep varies."
               : arena_printf(arena, "Varied by the sweep: %s", field->doc);
}

static void add_parameter(struct building *building, uint32_t index)
{
    const struct recorded_parameter *parameter = &building->contents->sweep.parameters[index];
    struct trace_column column = {.name = parameter->key,
                                  .type = !parameter->is_number ? TRACE_STRING
                                          : parameter->is_whole ? TRACE_U64
                                                                : TRACE_F64,
                                  .units = parameter->unit,
                                  .long_name = doc_of_key(building->arena, parameter->key)};
    double *numbers = NULL;
    uint64_t *wholes = NULL;
    const char **texts = NULL;
    if (column.type == TRACE_F64) {
        numbers = add(building, column, sizeof *numbers);
    } else if (column.type == TRACE_U64) {
        wholes = add(building, column, sizeof *wholes);
    } else {
        texts = add(building, column, sizeof *texts);
    }
    for (uint64_t row = 0, point = 0; row < building->result.rows; row++) {
        const struct recorded_value *value =
            &next_record(building->contents, &point)->values[index];
        if (numbers != NULL) {
            numbers[row] = value->number;
        } else if (wholes != NULL) {
            wholes[row] = (uint64_t)value->number;
        } else {
            texts[row] = value->text;
        }
    }
}

static void add_outcome(struct building *building)
{
    uint64_t *seeds = add(building,
                          (struct trace_column){.name = "run_seed",
                                                .type = TRACE_U64,
                                                .units = "1",
                                                .long_name = "The scenario's seed in this run."},
                          sizeof *seeds);
    unsigned char *status = add(
        building,
        (struct trace_column){.name = "status",
                              .type = TRACE_ENUM,
                              .units = "1",
                              .members = statuses,
                              .long_name = "done; rejected: the scenario is impossible; failed: "
                                           "the simulation, or its process, failed."},
        sizeof *status);
    const char **errors =
        add(building,
            (struct trace_column){.name = "error",
                                  .type = TRACE_STRING,
                                  .units = "1",
                                  .long_name = "Why it was rejected or failed; else empty."},
            sizeof *errors);
    for (uint64_t row = 0, point = 0; row < building->result.rows; row++) {
        const struct point_record *record = next_record(building->contents, &point);
        seeds[row] = record->seed;
        status[row] = (unsigned char)record->status;
        errors[row] = record->error;
    }
}

/* What the workload says of it; of one that it does not know (a user's own), that it is a figure.
 */
static const char *long_name_of(struct arena *arena, const struct metric *metric)
{
    const char *doc = NULL;
    for (size_t i = 0; doc == NULL && workloads[i] != NULL; i++) {
        doc = figures_doc(arena, workloads[i]->tables, metric->name);
    }
    const char *turn = figure_without_turn(metric->name);
    int digits = (int)(turn - metric->name) - (int)strlen("turn_");
    return arena_printf(arena, "%s%.*s%s%s %s", turn == metric->name ? "" : "Turn ",
                        digits > 0 ? digits : 0, metric->name + strlen("turn"),
                        turn == metric->name ? "" : ": ", doc == NULL ? "Found by the run." : doc,
                        metric->text != NULL ? "Empty: none was found." : "NaN: none was found.");
}

/* The column of a metric, made when it is new; points before it lack it. */
static size_t metric_column(struct building *building, const struct metric *metric, size_t guess)
{
    struct result_columns *result = &building->result;
    for (size_t i = 0; i < result->count - result->first_metric; i++) {
        size_t at = result->first_metric +
                    (guess + i) % (result->count - result->first_metric); /* most often the guess */
        if (strcmp(result->columns[at].column.name, metric->name) == 0) {
            return at;
        }
    }
    struct trace_column column = {
        .name = metric->name,
        .type = metric->text != NULL ? TRACE_STRING : TRACE_F64,
        .units = metric->unit,
        .may_be_missing = true,
        .long_name = long_name_of(building->arena, metric),
    };
    double *numbers = NULL;
    const char **texts = NULL;
    if (metric->text != NULL) {
        texts = add(building, column, sizeof *texts);
    } else {
        numbers = add(building, column, sizeof *numbers);
    }
    for (uint64_t row = 0; row < result->rows; row++) {
        if (numbers != NULL) {
            numbers[row] = NAN;
        } else {
            texts[row] = "";
        }
    }
    return result->count - 1;
}

static void set_cell(const struct result_column *column, uint64_t row, const struct metric *metric)
{
    bool is_text = column->column.type == TRACE_STRING;
    if (is_text && metric->text != NULL) {
        memcpy((char *)column->cells + row * sizeof metric->text, &metric->text,
               sizeof metric->text);
    } else if (!is_text && metric->text == NULL) {
        memcpy((char *)column->cells + row * sizeof metric->value, &metric->value,
               sizeof metric->value);
    }
}

static void add_metrics(struct building *building)
{
    building->result.first_metric = building->result.count;
    for (uint64_t row = 0, point = 0; row < building->result.rows; row++) {
        const struct point_record *record = next_record(building->contents, &point);
        for (size_t i = 0; i < record->metrics.count; i++) {
            const struct metric *metric = &record->metrics.metrics[i];
            size_t at = metric_column(building, metric, i);
            set_cell(&building->result.columns[at], row, metric);
        }
    }
}

struct result_columns result_columns_make(struct arena *arena,
                                          const struct journal_contents *contents)
{
    struct building building = {.arena = arena, .contents = contents};
    building.result.rows = contents->done + contents->rejected + contents->failed;
    add_points(&building);
    for (uint32_t i = 0; i < contents->sweep.parameter_count; i++) {
        add_parameter(&building, i);
    }
    add_outcome(&building);
    add_metrics(&building);
    return building.result;
}
