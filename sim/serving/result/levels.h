/* SPDX-License-Identifier: MIT
 * How many are somewhere over time, of any number of stays whose end of time is not known before:
 * cells of time that double when the run outgrows them. Exact where a cell ends; within one, of at
 * most 1 / 8192 of the run, a level is taken to be even. */
#ifndef CPSIM_SIM_SERVING_RESULT_LEVELS_H
#define CPSIM_SIM_SERVING_RESULT_LEVELS_H

#include "sim/base/arena.h"

#include <stdint.h>

enum { LEVEL_CELLS = 16384 };

/* Of the stays that begin and that end in a cell: how many, and when, added up. */
struct level_cell {
    double begins, begin_seconds, ends, end_seconds;
};

struct levels {
    struct level_cell *cells; /* [LEVEL_CELLS] */
    double cell_seconds;
};

struct levels levels_open(struct arena *arena);
/* Somebody was there, `begin` <= `end`, neither negative. */
void levels_add(struct levels *levels, double begin_seconds, double end_seconds);
/* The mean level between two times, `from` < `to`. */
double levels_mean(const struct levels *levels, double from_seconds, double to_seconds);

#endif
