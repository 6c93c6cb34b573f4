/* SPDX-License-Identifier: MIT */
#include "sim/compare/row_runs.h"

#include "sim/base/pool.h"
#include "sim/run/repeatable.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct runs {
    const struct measurement_kind *kind;
    struct measurement *rows; /* [count] */
    size_t count, started;
};

/* Between two fields of an answer, and at its end. No text of a table or of ours has one. */
static const char separator = '\x1f';

static bool next_row(void *context, uint64_t *job)
{
    struct runs *runs = context;
    if (runs->started == runs->count) {
        return false;
    }
    *job = runs->started++;
    return true;
}

/* In the child: "reason" or, for each figure, class, column, measured, predicted, extrapolated. */
static void predict(void *context, uint64_t job, struct text *bytes)
{
    struct runs *runs = context;
    struct measurement *row = &runs->rows[job];
    struct diagnostics *own = diagnostics_create();
    row->diagnostics = own;
    row->scratch = bytes->arena;
    runs->kind->predict(row);
    if (row->unanswered == NULL && row->figure_count == 0) {
        row->unanswered = arena_strdup(bytes->arena, diagnostics_first(own));
    }
    text_print(bytes, "%s%c", row->unanswered == NULL ? "" : row->unanswered, separator);
    for (size_t i = 0; i < row->figure_count && row->unanswered == NULL; i++) {
        const struct figure *figure = &row->figures[i];
        text_print(bytes, "%s%c%s%c%.17g%c%.17g%c%s%c", figure->class, separator, figure->column,
                   separator, figure->measured, separator, figure->predicted, separator,
                   figure->extrapolated == NULL ? "" : figure->extrapolated, separator);
    }
}

/* The field at `*at`, which moves behind it. */
static const char *take_field(struct arena *arena, const char **at, const char *end)
{
    const char *stop = memchr(*at, separator, (size_t)(end - *at));
    const char *field = arena_printf(arena, "%.*s", stop == NULL ? 0 : (int)(stop - *at), *at);
    *at = stop == NULL ? end : stop + 1;
    return field;
}

static bool take(void *context, uint64_t job, const struct pool_result *result)
{
    struct runs *runs = context;
    struct measurement *row = &runs->rows[job];
    struct arena *arena = row->arena;
    if (result->bytes == NULL) {
        row->unanswered = arena_strdup(arena, result->last_words);
        return true;
    }
    const char *at = result->bytes, *end = result->bytes + result->size;
    const char *reason = take_field(arena, &at, end);
    row->unanswered = reason[0] == '\0' ? NULL : reason;
    while (at < end && row->figure_count < MEASUREMENT_MAX_FIGURES) {
        struct figure *figure = &row->figures[row->figure_count++];
        figure->class = take_field(arena, &at, end);
        figure->column = take_field(arena, &at, end);
        figure->measured = strtod(take_field(arena, &at, end), NULL);
        figure->predicted = strtod(take_field(arena, &at, end), NULL);
        const char *why = take_field(arena, &at, end);
        figure->extrapolated = why[0] == '\0' ? NULL : why;
    }
    return true;
}

static void tick(void *context)
{
    (void)context;
}

void row_runs(const struct measurement_kind *kind, struct measurement *rows, size_t count)
{
    struct runs runs = {.kind = kind, .rows = rows, .count = count};
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    const struct pool pool = {.workers = online > 0 ? (unsigned)online : 1,
                              .context = &runs,
                              .next = next_row,
                              .work = predict,
                              .keeps = run_is_repeatable(),
                              .done = take,
                              .tick = tick};
    if (pool_run(&pool) == POOL_INTERRUPTED) {
        exit(1);
    }
}
