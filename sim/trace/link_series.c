/* SPDX-License-Identifier: MIT */
#include "sim/trace/link_series.h"

#include <math.h>
#include <string.h>

enum { STRETCHES_MOST = 1024 };
#define FIRST_STRETCH_SECONDS 0x1p-20

struct link_series {
    struct arena *arena;
    double **bytes; /* [link_count][capacity]; NULL: nothing has crossed it */
    size_t link_count, capacity;
    double stretch_seconds;
    bool doubles; /* stretches, rather than their number */
};

struct link_series *link_series_create(struct arena *arena, size_t link_count,
                                       double interval_seconds)
{
    struct link_series *series = ARENA_NEW(arena, struct link_series);
    *series = (struct link_series){
        .arena = arena,
        .bytes = ARENA_ARRAY(arena, double *, link_count + 1),
        .link_count = link_count,
        .capacity = STRETCHES_MOST,
        .stretch_seconds = interval_seconds > 0.0 ? interval_seconds : FIRST_STRETCH_SECONDS,
        .doubles = interval_seconds <= 0.0,
    };
    return series;
}

/* Makes each two stretches one. */
static void double_stretches(struct link_series *series)
{
    for (size_t link = 0; link < series->link_count; link++) {
        double *bytes = series->bytes[link];
        for (size_t i = 0; bytes != NULL && i < series->capacity; i++) {
            double own = bytes[i];
            bytes[i] = 0.0;
            bytes[i / 2] += own;
        }
    }
    series->stretch_seconds *= 2.0;
}

static void add_stretches(struct link_series *series)
{
    for (size_t link = 0; link < series->link_count; link++) {
        if (series->bytes[link] != NULL) {
            double *larger = ARENA_ARRAY(series->arena, double, 2 * series->capacity);
            memcpy(larger, series->bytes[link], series->capacity * sizeof *larger);
            series->bytes[link] = larger;
        }
    }
    series->capacity *= 2;
}

static void reach(struct link_series *series, double seconds)
{
    while ((double)series->capacity * series->stretch_seconds <= seconds) {
        if (series->doubles) {
            double_stretches(series);
        } else {
            add_stretches(series);
        }
    }
}

void link_series_add(struct link_series *series, size_t link, double from_seconds,
                     double to_seconds, double bytes)
{
    reach(series, to_seconds);
    if (series->bytes[link] == NULL) {
        series->bytes[link] = ARENA_ARRAY(series->arena, double, series->capacity);
    }
    double *own = series->bytes[link];
    size_t first = (size_t)(from_seconds / series->stretch_seconds);
    size_t last = (size_t)(to_seconds / series->stretch_seconds);
    if (first == last) {
        own[first] += bytes;
        return;
    }
    double rate = bytes / (to_seconds - from_seconds), spread = 0.0;
    for (size_t at = first; at < last; at++) {
        double start = fmax(from_seconds, (double)at * series->stretch_seconds);
        double part = rate * ((double)(at + 1) * series->stretch_seconds - start);
        own[at] += part;
        spread += part;
    }
    own[last] += bytes - spread; /* what is left: the sum is exact */
}

void link_series_add_repeated(struct link_series *series, size_t link, double from_seconds,
                              double to_seconds, double bytes, double period_seconds, double count)
{
    double end = to_seconds + (count - 1.0) * period_seconds;
    reach(series, end);
    if (period_seconds < series->stretch_seconds) {
        link_series_add(series, link, from_seconds, end, count * bytes);
        return;
    }
    for (double i = 0.0; i < count; i++) {
        double shift = i * period_seconds;
        link_series_add(series, link, from_seconds + shift, to_seconds + shift, bytes);
    }
}

void link_series_write(const struct link_series *series, const size_t *links, size_t count,
                       uint32_t row, double end_seconds, struct trace *trace)
{
    for (size_t at = 0; at < series->capacity; at++) {
        double bytes = 0.0;
        for (size_t i = 0; i < count; i++) {
            bytes += series->bytes[links[i]] == NULL ? 0.0 : series->bytes[links[i]][at];
        }
        double start = (double)at * series->stretch_seconds;
        if (bytes <= 0.0) {
            continue;
        }
        /* A flow may end with the run, to the last bit of the clock. */
        double seconds = start < end_seconds ? fmin(series->stretch_seconds, end_seconds - start)
                                             : series->stretch_seconds;
        trace_add_link_sample(trace, &(struct trace_link_sample){
                                         .link = row,
                                         .time_seconds = start + 0.5 * seconds,
                                         .duration_seconds = seconds,
                                         .bytes_per_second = bytes / seconds,
                                     });
    }
}
