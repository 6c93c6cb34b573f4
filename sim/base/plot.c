/* SPDX-License-Identifier: MIT */
#include "sim/base/plot.h"

#include "sim/base/fold.h"
#include "sim/base/quantity.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LABEL = FOLD_LABEL + 2, /* " |" behind the label */
    HEIGHT = 6,             /* lines of counts over time */
    BINS = 9,               /* rows of a histogram, and one for what is more */
    MOST_COLUMNS = FOLD_MOST
};

size_t plot_width(const struct plot *plot)
{
    size_t columns = plot->columns < PLOT_COLUMNS_LEAST ? PLOT_COLUMNS_LEAST : plot->columns;
    columns = columns > MOST_COLUMNS ? MOST_COLUMNS : columns;
    return columns - LABEL;
}

static void begin(const struct plot *plot, const char *label, char edge)
{
    fprintf(plot->stream, "%*.*s %c", FOLD_LABEL, FOLD_LABEL, label, edge);
}

/* A line of the picture without the blanks at its end. */
static void end(const struct plot *plot, const char *line, size_t width)
{
    while (width > 0 && line[width - 1] == ' ') {
        width--;
    }
    fprintf(plot->stream, "%.*s\n", (int)width, line);
}

/* --- rows over time --- */

/* The first column whose middle is not before the time. */
static size_t column_of(double seconds, double slice, size_t width)
{
    double column = ceil(seconds / slice - 0.5);
    return column < 0.0 ? 0 : column < (double)width ? (size_t)column : width;
}

void plot_spans(const struct plot *plot, const char *label, const struct plot_span *spans,
                size_t count, double seconds)
{
    size_t width = plot_width(plot);
    double slice = seconds / (double)width;
    char line[MOST_COLUMNS];
    memset(line, '.', width);
    for (size_t i = 0; i < count && slice > 0.0; i++) {
        size_t end_column = column_of(spans[i].end_seconds, slice, width);
        for (size_t x = column_of(spans[i].start_seconds, slice, width); x < end_column; x++) {
            line[x] = spans[i].mark;
        }
    }
    for (size_t i = 0; i < count && slice > 0.0; i++) {
        size_t x = (size_t)fmin(spans[i].start_seconds / slice, (double)width - 1.0);
        bool falls_between = column_of(spans[i].start_seconds, slice, width) ==
                             column_of(spans[i].end_seconds, slice, width);
        if (falls_between && spans[i].end_seconds > spans[i].start_seconds && line[x] == '.') {
            line[x] = spans[i].mark;
        }
    }
    begin(plot, label, '|');
    end(plot, line, width);
}

void plot_seconds(const struct plot *plot, double seconds)
{
    size_t width = plot_width(plot);
    const struct quantity_text last = quantity_seconds(seconds);
    begin(plot, "", '+');
    for (size_t x = 0; x < width; x++) {
        fputc('-', plot->stream);
    }
    fprintf(plot->stream, "\n%*s%-*s%s\n", LABEL, "", (int)(width - strlen(last.text)), "0 s",
            last.text);
}

/* --- counts over time --- */

void plot_stack(const struct plot *plot, const char *label, const char *title, const double *lower,
                const double *upper, double seconds)
{
    size_t width = plot_width(plot);
    double most = 0.0;
    for (size_t x = 0; x < width; x++) {
        most = fmax(most, lower[x] + upper[x]);
    }
    if (most <= 0.0) {
        return;
    }
    fprintf(plot->stream, "%-*s%s\n", FOLD_LABEL, label, title);
    for (int y = HEIGHT; y > 0; y--) {
        char line[MOST_COLUMNS];
        double half = ((double)y - 0.5) / HEIGHT * most; /* of this line's room */
        for (size_t x = 0; x < width; x++) {
            line[x] = lower[x] >= half ? '#' : lower[x] + upper[x] >= half ? ':' : ' ';
        }
        const struct quantity_text top = quantity_number(most);
        begin(plot, y == HEIGHT ? top.text : "", '|');
        end(plot, line, width);
    }
    plot_seconds(plot, seconds);
}

/* --- histogram --- */

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* 1, 2 or 5 times a power of ten, not below `value`. */
static double round_up(double value)
{
    double ten = pow(10.0, floor(log10(value)));
    const double steps[] = {1.0, 2.0, 5.0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i] * ten >= value * (1.0 - 1e-9)) {
            return steps[i] * ten;
        }
    }
    return 10.0 * ten;
}

static void print_bar(const struct plot *plot, const char *label, size_t count, size_t most)
{
    const struct quantity_text number = quantity_count(count);
    const struct quantity_text widest = quantity_count(most);
    size_t room = plot_width(plot) - strlen(widest.text) - 1;
    size_t length = (size_t)ceil((double)count / (double)most * (double)room);
    begin(plot, label, '|');
    for (size_t x = 0; x < length; x++) {
        fputc('#', plot->stream);
    }
    fprintf(plot->stream, "%s%s\n", length > 0 ? " " : "", count > 0 ? number.text : "");
}

void plot_histogram(const struct plot *plot, const char *label, const char *title, double *seconds,
                    size_t count)
{
    if (count == 0) {
        return;
    }
    qsort(seconds, count, sizeof *seconds, by_value);
    double p99 = seconds[(size_t)ceil(0.99 * (double)count) - 1];
    if (p99 <= 0.0) {
        return;
    }
    double step = round_up(p99 / BINS);
    size_t bins = (size_t)ceil(p99 / step * (1.0 - 1e-9)), counts[BINS + 1] = {0}, most = 0;
    for (size_t i = 0; i < count; i++) {
        double bin = floor(seconds[i] / step);
        counts[bin < (double)bins ? (size_t)bin : bins]++;
    }
    for (size_t i = 0; i <= bins; i++) {
        most = counts[i] > most ? counts[i] : most;
    }
    fprintf(plot->stream, "%-*s%s\n", FOLD_LABEL, label, title);
    for (size_t i = 0; i <= bins; i++) {
        char row[2 * sizeof(struct quantity_text)];
        if (i < bins) {
            snprintf(row, sizeof row, "to %s", quantity_seconds((double)(i + 1) * step).text);
        } else {
            snprintf(row, sizeof row, "more");
        }
        if (i < bins || counts[i] > 0) {
            print_bar(plot, row, counts[i], most);
        }
    }
}
