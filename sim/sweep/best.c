/* SPDX-License-Identifier: MIT
 * The table of the best points. */
#include "sim/base/quantity.h"
#include "sim/sweep/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 64, CELL_BYTES = 40, SHOWN_METRICS = 4 };

/* A point with its replications. */
struct group {
    uint64_t point; /* the first */
    double value;   /* the metric, averaged */
};

struct cell {
    char text[CELL_BYTES];
};

struct grid {
    struct arena *arena;
    struct cell *cells; /* [rows][columns], the first row the names */
    size_t rows, columns;
};

/* The mean of a metric over the done replications of a point; NAN when there is none. `sample` gets
 * one of them: its name, unit and text. */
static double mean_of(const struct journal_contents *contents, uint64_t first, const char *name,
                      const struct metric **sample)
{
    double sum = 0.0;
    unsigned count = 0;
    *sample = NULL;
    for (uint32_t i = 0; i < contents->sweep.replications; i++) {
        const struct point_record *record = contents->points[first + i];
        const struct metric *metric = record == NULL || record->status != POINT_DONE
                                          ? NULL
                                          : metric_find(&record->metrics, name);
        if (metric != NULL) {
            *sample = metric;
            sum += metric->value;
            count++;
        }
    }
    return count == 0 ? (double)NAN : sum / count;
}

static int by_value(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    if (a->value < b->value || a->value > b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return a->point < b->point ? -1 : a->point > b->point;
}

static size_t rank_groups(const struct journal_contents *contents, const char *metric,
                          struct group *groups)
{
    const struct sweep_record *sweep = &contents->sweep;
    size_t count = 0;
    for (uint64_t point = 0; point < sweep->point_count; point += sweep->replications) {
        const struct metric *sample;
        double value = mean_of(contents, point, metric, &sample);
        if (sample != NULL && sample->text == NULL && !isnan(value)) {
            groups[count++] =
                (struct group){.point = point, .value = sweep->best.maximise ? -value : value};
        }
    }
    qsort(groups, count, sizeof *groups, by_value);
    return count;
}

static struct cell cell_of(const char *text)
{
    struct cell cell;
    snprintf(cell.text, sizeof cell.text, "%s", text);
    return cell;
}

static struct cell metric_cell(const struct metric *sample, double value)
{
    struct cell cell = cell_of("-");
    if (sample == NULL) {
        return cell;
    }
    if (sample->text != NULL) {
        return cell_of(sample->text);
    }
    if (strcmp(sample->unit, "s") == 0) {
        return cell_of(quantity_seconds(value).text);
    }
    if (strcmp(sample->unit, "B") == 0) {
        return cell_of(quantity_bytes(value).text);
    }
    if (strcmp(sample->unit, "J") == 0) {
        return cell_of(quantity_joules(value).text);
    }
    snprintf(cell.text, sizeof cell.text, "%.4g%s%s", value,
             strcmp(sample->unit, "1") == 0 ? "" : " ",
             strcmp(sample->unit, "1") == 0 ? "" : sample->unit);
    return cell;
}

/* The metrics of the table: the one that ranks, those asked for, or the first few. */
static size_t choose_metrics(const struct journal_contents *contents, const char *ranking,
                             const struct point_record *record, const char **names)
{
    const struct recorded_best *best = &contents->sweep.best;
    size_t count = 0;
    names[count++] = ranking;
    for (uint32_t i = 0; i < best->show_count && count < MOST_COLUMNS; i++) {
        names[count++] = best->show[i];
    }
    for (size_t i = 0; best->show_count == 0 && i < record->metrics.count && count < SHOWN_METRICS;
         i++) {
        if (strcmp(record->metrics.metrics[i].name, ranking) != 0) {
            names[count++] = record->metrics.metrics[i].name;
        }
    }
    return count;
}

/* Names without their unit, which stands beside every value. */
static struct cell heading_of(const char *name)
{
    static const char *const units[] = {"_seconds", "_bytes"};
    struct cell cell = cell_of(name);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(cell.text), tail = strlen(units[i]);
        if (length > tail && strcmp(cell.text + length - tail, units[i]) == 0) {
            cell.text[length - tail] = '\0';
        }
    }
    return cell;
}

static void print_grid(const struct grid *grid, const char *bold, const char *plain, FILE *stream)
{
    size_t *widths = ARENA_ARRAY(grid->arena, size_t, grid->columns);
    for (size_t i = 0; i < grid->rows * grid->columns; i++) {
        size_t width = strlen(grid->cells[i].text);
        widths[i % grid->columns] =
            width > widths[i % grid->columns] ? width : widths[i % grid->columns];
    }
    for (size_t row = 0; row < grid->rows; row++) {
        fputs(row == 0 ? bold : "", stream);
        for (size_t column = 0; column < grid->columns; column++) {
            fprintf(stream, "%s%*s", column == 0 ? "" : "  ", (int)widths[column],
                    grid->cells[row * grid->columns + column].text);
        }
        fprintf(stream, "%s\n", row == 0 ? plain : "");
    }
}

static void fill_grid(const struct journal_contents *contents, const struct group *groups,
                      const char *const *metrics, size_t metric_count, struct grid *grid)
{
    const struct sweep_record *sweep = &contents->sweep;
    struct cell *cell = grid->cells;
    *cell++ = cell_of("point");
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        *cell++ = cell_of(sweep->parameters[i].key);
    }
    for (size_t i = 0; i < metric_count; i++) {
        *cell++ = heading_of(metrics[i]);
    }
    for (size_t row = 1; row < grid->rows; row++) {
        uint64_t point = groups[row - 1].point;
        const struct point_record *record = contents->points[point];
        snprintf(cell++->text, CELL_BYTES, "%" PRIu64, point);
        for (uint32_t i = 0; i < sweep->parameter_count; i++) {
            *cell++ = cell_of(record == NULL ? "-" : record->values[i].text);
        }
        for (size_t i = 0; i < metric_count; i++) {
            const struct metric *sample;
            double value = mean_of(contents, point, metrics[i], &sample);
            *cell++ = metric_cell(sample, value);
        }
    }
}

/* The first record that has metrics; NULL: none. */
static const struct point_record *first_done(const struct journal_contents *contents)
{
    for (uint64_t point = 0; point < contents->sweep.point_count; point++) {
        const struct point_record *record = contents->points[point];
        if (record != NULL && record->status == POINT_DONE && record->metrics.count > 0) {
            return record;
        }
    }
    return NULL;
}

void result_print_best(const struct journal_contents *contents, const char *bold, const char *plain,
                       FILE *stream)
{
    const struct sweep_record *sweep = &contents->sweep;
    const struct point_record *sample = first_done(contents);
    if (sample == NULL) {
        return;
    }
    struct arena *arena = arena_create();
    const char *ranking =
        sweep->best.metric[0] != '\0' ? sweep->best.metric : sample->metrics.metrics[0].name;
    struct group *groups = ARENA_ARRAY(arena, struct group, sweep->point_count + 1);
    size_t ranked = rank_groups(contents, ranking, groups);
    const char *metrics[MOST_COLUMNS];
    size_t metric_count = choose_metrics(contents, ranking, sample, metrics);
    size_t shown = ranked < sweep->best.count ? ranked : sweep->best.count;
    struct grid grid = {
        .arena = arena, .rows = shown + 1, .columns = 1 + sweep->parameter_count + metric_count};
    grid.cells = ARENA_ARRAY(arena, struct cell, grid.rows * grid.columns);
    if (ranked == 0) {
        fprintf(stream, "no point has a number '%s'; best.minimise may be one of:", ranking);
        for (size_t i = 0; i < sample->metrics.count; i++) {
            fprintf(stream, " %s", sample->metrics.metrics[i].name);
        }
        fputc('\n', stream);
    } else {
        fprintf(stream, "the %zu of %zu with the %s %s%s:\n", shown, ranked,
                sweep->best.maximise ? "largest" : "smallest", ranking,
                sweep->replications > 1 ? ", replications averaged" : "");
        fill_grid(contents, groups, metrics, metric_count, &grid);
        print_grid(&grid, bold, plain, stream);
    }
    arena_destroy(arena);
}
