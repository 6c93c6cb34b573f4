/* SPDX-License-Identifier: MIT
 * Small pictures in characters, a label of FOLD_LABEL columns before each line as summaries have:
 * rows of what goes on over time, two counts on top of each other over time, and a histogram. */
#ifndef CPSIM_SIM_BASE_PLOT_H
#define CPSIM_SIM_BASE_PLOT_H

#include <stddef.h>
#include <stdio.h>

enum { PLOT_COLUMNS_LEAST = 40 };

struct plot {
    FILE *stream;
    size_t columns; /* of a line, PLOT_COLUMNS_LEAST or more */
};

struct plot_span {
    double start_seconds, end_seconds;
    char mark;
};

/* One row: in each column the mark of what goes on at its middle, '.' where nothing does; a span
 * that falls between two middles is shown where nothing else is. `seconds`: from 0 at the left to
 * the right end. */
void plot_spans(const struct plot *plot, const char *label, const struct plot_span *spans,
                size_t count, double seconds);
/* The axis below such rows. */
void plot_seconds(const struct plot *plot, double seconds);

/* Averages over equal slices of the time, [plot_width()] each: `lower` as '#', `upper` on it as
 * ':'. `title`: what they are. */
void plot_stack(const struct plot *plot, const char *label, const char *title, const double *lower,
                const double *upper, double seconds);
size_t plot_width(const struct plot *plot);

/* How many of `seconds` [count] lie where, in ten rows at most: up to the 99th percentile, and the
 * rest. Sorts them. Nothing without any. */
void plot_histogram(const struct plot *plot, const char *label, const char *title, double *seconds,
                    size_t count);

#endif
