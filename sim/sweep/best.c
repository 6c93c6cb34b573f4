/* SPDX-License-Identifier: MIT
 * The table of the best points. */
#include "sim/base/quantity.h"
#include "sim/base/table.h"
#include "sim/sweep/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 64, SHOWN_METRICS = 4, MOST_ROWS = 100 };

/* A point with its replications. */
struct group {
    uint64_t point; /* the first */
    double value;   /* the metric, averaged */
    double asked;   /* the first number of those that say what is asked; 0: there is none */
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

/* --- what may be compared --- */

/* Whether a key says what is asked of the machine, rather than how it is done: a shorter prompt
 * beats no longer one. */
static bool is_asked(const char *key)
{
    static const char *const asked[] = {"model",
                                        "workload.turns",
                                        "workload.batch",
                                        "workload.cached",
                                        "workload.arrivals",
                                        "workload.lengths",
                                        "workload.sessions",
                                        "workload.requests",
                                        "workload.slo",
                                        "workload.sequence",
                                        "workload.tokens",
                                        "workload.target_loss",
                                        "workload.compute_budget"};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        size_t length = strlen(asked[i]);
        if (strncmp(key, asked[i], length) == 0 && (key[length] == '\0' || key[length] == '.')) {
            return true;
        }
    }
    return false;
}

static bool asks_the_same(const struct journal_contents *contents, uint64_t left, uint64_t right)
{
    const struct sweep_record *sweep = &contents->sweep;
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        if (is_asked(sweep->parameters[i].key) &&
            strcmp(contents->points[left]->values[i].text,
                   contents->points[right]->values[i].text) != 0) {
            return false;
        }
    }
    return true;
}

static int by_what_is_asked(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    if (a->asked < b->asked || a->asked > b->asked) {
        return a->asked < b->asked ? -1 : 1;
    }
    return a->point < b->point ? -1 : a->point > b->point;
}

static double asked_number(const struct journal_contents *contents, uint64_t point)
{
    const struct sweep_record *sweep = &contents->sweep;
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        if (sweep->parameters[i].is_number && is_asked(sweep->parameters[i].key)) {
            return contents->points[point]->values[i].number;
        }
    }
    return 0.0;
}

/* Keeps the best of the points that ask the same, in the order of what they ask. `groups` are in
 * order of their values. Returns how many are left. */
static size_t keep_best_of_each(const struct journal_contents *contents, struct group *groups,
                                size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = true;
        for (size_t j = 0; j < kept && first; j++) {
            first = !asks_the_same(contents, groups[j].point, groups[i].point);
        }
        if (first) {
            groups[kept] = groups[i];
            groups[kept++].asked = asked_number(contents, groups[i].point);
        }
    }
    qsort(groups, kept, sizeof *groups, by_what_is_asked);
    return kept;
}

/* "each workload.batch and workload.cached", ""; where points ask for one thing. */
static const char *asked_words(const struct journal_contents *contents, const struct group *groups,
                               size_t count, struct arena *arena)
{
    const struct sweep_record *sweep = &contents->sweep;
    struct text text = {.arena = arena};
    text_add(&text, "");
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        bool varies = false;
        for (size_t j = 1; j < count && !varies; j++) {
            varies = strcmp(contents->points[groups[0].point]->values[i].text,
                            contents->points[groups[j].point]->values[i].text) != 0;
        }
        if (varies && is_asked(sweep->parameters[i].key)) {
            text_print(&text, "%s%s", text.length == 0 ? "each " : " and ",
                       sweep->parameters[i].key);
        }
    }
    return text.bytes;
}

/* --- the table --- */

/* As people write it, its unit with it. */
static const char *metric_cell(struct arena *arena, const struct metric *sample, double value)
{
    if (sample == NULL) {
        return "-";
    }
    if (sample->text != NULL) {
        return sample->text;
    }
    static const struct {
        const char *unit;
        struct quantity_text (*words)(double value);
    } units[] = {{"s", quantity_duration},
                 {"B", quantity_bytes},
                 {"J", quantity_joules},
                 {"$", quantity_dollars},
                 {"1", quantity_number}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(sample->unit, units[i].unit) == 0) {
            return arena_strdup(arena, units[i].words(value).text);
        }
    }
    bool rate = strncmp(sample->unit, "1/", 2) == 0; /* "3.95/s" */
    return arena_printf(arena, "%s%s%s", quantity_number(value).text, rate ? "" : " ",
                        rate ? sample->unit + 1 : sample->unit);
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
static const char *heading_of(struct arena *arena, const char *name)
{
    static const char *const units[] = {"_per_second", "_seconds", "_bytes"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(name), tail = strlen(units[i]);
        if (length > tail && strcmp(name + length - tail, units[i]) == 0) {
            return arena_printf(arena, "%.*s", (int)(length - tail), name);
        }
    }
    return name;
}

static void fill_table(const struct journal_contents *contents, const struct group *groups,
                       size_t shown, const char *const *metrics, size_t metric_count,
                       struct table *table)
{
    const struct sweep_record *sweep = &contents->sweep;
    table_add(table, "point");
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        table_add(table, sweep->parameters[i].key);
    }
    for (size_t i = 0; i < metric_count; i++) {
        table_add(table, heading_of(table->arena, metrics[i]));
    }
    for (size_t row = 0; row < shown; row++) {
        uint64_t point = groups[row].point;
        const struct point_record *record = contents->points[point];
        table_print_cell(table, "%" PRIu64, point);
        for (uint32_t i = 0; i < sweep->parameter_count; i++) {
            table_add(table, record == NULL ? "-" : record->values[i].text);
        }
        for (size_t i = 0; i < metric_count; i++) {
            const struct metric *sample;
            double value = mean_of(contents, point, metrics[i], &sample);
            table_add(table, metric_cell(table->arena, sample, value));
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
                       size_t width, FILE *stream)
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
    /* Unless the sweep says what to rank all points by, only what may be compared is. */
    const char *each = sweep->best.metric[0] == '\0' && ranked > 0
                           ? asked_words(contents, groups, ranked, arena)
                           : "";
    size_t of = ranked;
    if (each[0] != '\0') {
        ranked = keep_best_of_each(contents, groups, ranked);
    }
    size_t shown = each[0] != '\0' || ranked < sweep->best.count ? ranked : sweep->best.count;
    shown = shown > MOST_ROWS ? MOST_ROWS : shown;
    struct table table = table_create(arena, 1 + sweep->parameter_count + metric_count);
    table.before = bold, table.after = plain;
    table.left[0] = false;
    if (ranked == 0) {
        fprintf(stream, "no point has a number '%s'; best.minimise may be one of:", ranking);
        for (size_t i = 0; i < sample->metrics.count; i++) {
            fprintf(stream, " %s", sample->metrics.metrics[i].name);
        }
        fputc('\n', stream);
    } else {
        const char *extreme = sweep->best.maximise ? "largest" : "smallest";
        const char *averaged = sweep->replications > 1 ? ", replications averaged" : "";
        if (each[0] != '\0') {
            fprintf(stream, "of %zu points, for %s the one with the %s %s%s:\n", of, each, extreme,
                    ranking, averaged);
        } else {
            fprintf(stream, "the %zu of %zu with the %s %s%s:\n", shown, ranked, extreme, ranking,
                    averaged);
        }
        fill_table(contents, groups, shown, metrics, metric_count, &table);
        struct text text = {.arena = arena};
        table_print(&table, width, &text);
        fputs(text.bytes, stream);
    }
    arena_destroy(arena);
}
