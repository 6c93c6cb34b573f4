/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/levels.h"

#define FIRST_CELL_SECONDS 0x1p-10

struct levels levels_open(struct arena *arena)
{
    return (struct levels){.cells = ARENA_ARRAY(arena, struct level_cell, LEVEL_CELLS),
                           .cell_seconds = FIRST_CELL_SECONDS};
}

static void add_cell(struct level_cell *into, const struct level_cell *more)
{
    into->begins += more->begins;
    into->begin_seconds += more->begin_seconds;
    into->ends += more->ends;
    into->end_seconds += more->end_seconds;
}

/* Each two cells become one. */
static void double_cells(struct levels *levels)
{
    for (uint32_t i = 0; i < LEVEL_CELLS; i++) {
        struct level_cell cell = levels->cells[i];
        levels->cells[i] = (struct level_cell){0};
        add_cell(&levels->cells[i / 2], &cell);
    }
    levels->cell_seconds *= 2.0;
}

static struct level_cell *cell_at(struct levels *levels, double seconds)
{
    return &levels->cells[(uint32_t)(seconds / levels->cell_seconds)];
}

void levels_add(struct levels *levels, double begin_seconds, double end_seconds)
{
    while (end_seconds / levels->cell_seconds >= LEVEL_CELLS) {
        double_cells(levels);
    }
    struct level_cell *begin = cell_at(levels, begin_seconds), *end = cell_at(levels, end_seconds);
    begin->begins += 1.0;
    begin->begin_seconds += begin_seconds;
    end->ends += 1.0;
    end->end_seconds += end_seconds;
}

/* The level's integral over time from 0 to a cell's beginning. */
static double integral(const struct levels *levels, uint32_t cells)
{
    struct level_cell sum = {0};
    for (uint32_t i = 0; i < cells; i++) {
        add_cell(&sum, &levels->cells[i]);
    }
    double now = cells * levels->cell_seconds;
    return (sum.begins - sum.ends) * now - (sum.begin_seconds - sum.end_seconds);
}

static double integral_to(const struct levels *levels, double seconds)
{
    double place = seconds / levels->cell_seconds;
    uint32_t cell = place < LEVEL_CELLS - 1.0 ? (uint32_t)place : LEVEL_CELLS - 1;
    double before = integral(levels, cell), after = integral(levels, cell + 1);
    return before + (after - before) * (place - cell);
}

double levels_mean(const struct levels *levels, double from_seconds, double to_seconds)
{
    return (integral_to(levels, to_seconds) - integral_to(levels, from_seconds)) /
           (to_seconds - from_seconds);
}
