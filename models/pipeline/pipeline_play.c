/* SPDX-License-Identifier: MIT */
#include "models/pipeline/pipeline_play.h"

#include <assert.h>
#include <math.h>

/* One stage under way. */
struct stage {
    const struct cell *cells;
    struct cell_span *spans;
    uint32_t next;
    double free_seconds;     /* its last cell has ended */
    double exchange_seconds; /* its exchange is idle from here on */
    double layer_seconds;    /* of the last cell: what it takes for one layer */
};

size_t pipeline_scratch_cells(const struct pipeline_play *play)
{
    return (size_t)play->pipeline.stages * pipeline_cell_count(play->schedule, &play->pipeline);
}

size_t pipeline_scratch_arrivals(const struct pipeline_play *play)
{
    return (size_t)2 * play->pipeline.stages * play->pipeline.chunks * play->pipeline.micro_batches;
}

static double *arrival(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                       bool forward, uint32_t part, uint32_t micro_batch)
{
    uint32_t parts = play->pipeline.stages * play->pipeline.chunks;
    size_t row = (forward ? 0 : parts) + (size_t)part;
    return &scratch->arrivals[row * play->pipeline.micro_batches + micro_batch];
}

/* When what the cell needs from another part is there; NAN: not yet known. */
static double ready_seconds(const struct pipeline_play *play,
                            const struct pipeline_scratch *scratch, const struct cell *cell,
                            uint32_t part)
{
    uint32_t parts = play->pipeline.stages * play->pipeline.chunks;
    if (cell->kind == CELL_FORWARD) {
        return part == 0 ? 0.0 : *arrival(play, scratch, true, part, cell->micro_batch);
    }
    if (cell->kind == CELL_BACKWARD && part + 1 < parts) {
        return *arrival(play, scratch, false, part, cell->micro_batch);
    }
    return 0.0; /* of its own stage, in order */
}

static void send(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                 const struct cell *cell, uint32_t part, double end_seconds)
{
    uint32_t parts = play->pipeline.stages * play->pipeline.chunks;
    bool forward = cell->kind == CELL_FORWARD;
    if (cell->kind == CELL_WEIGHT || (forward ? part + 1 == parts : part == 0)) {
        return;
    }
    uint32_t next = forward ? part + 1 : part - 1;
    bool stays = pipeline_part_stage(play->schedule, &play->pipeline, part) ==
                 pipeline_part_stage(play->schedule, &play->pipeline, next);
    *arrival(play, scratch, forward, next, cell->micro_batch) =
        end_seconds + (stays ? 0.0 : play->send_seconds);
}

bool pipeline_gathers(const struct pipeline_play *play, const struct cell *cell)
{
    return play->every_pass ? cell->kind == CELL_FORWARD ||
                                  (cell->kind == CELL_BACKWARD && !play->keeps_gathered)
                            : cell->kind == CELL_FORWARD && cell->micro_batch == 0;
}

bool pipeline_reduces(const struct pipeline_play *play, const struct cell *cell)
{
    enum cell_kind last = play->schedule->splits_backward ? CELL_WEIGHT : CELL_BACKWARD;
    return cell->kind == last &&
           (play->every_pass || cell->micro_batch + 1 == play->pipeline.micro_batches);
}

double pipeline_cell_seconds(const struct pipeline_play *play, const struct cell *cell,
                             const struct part_cost *cost)
{
    double alone = cost->seconds[cell->kind], seconds = alone;
    if (play->overlap && pipeline_gathers(play, cell)) {
        seconds += fmin(cost->gather_seconds, alone) * (cost->gather_factor - 1.0);
    }
    if (play->overlap && pipeline_reduces(play, cell)) {
        seconds += fmin(cost->reduce_seconds, alone) * (cost->reduce_factor - 1.0);
    }
    return seconds;
}

double pipeline_piece_seconds(const struct part_cost *cost, double cell_seconds)
{
    return cell_seconds / fmin(cost->pieces, cost->layers);
}

/* Runs the stage's next cell if what it needs is known. */
static bool run_cell(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                     uint32_t stage_index, struct stage *stage)
{
    const struct cell *cell = &stage->cells[stage->next];
    uint32_t part = pipeline_part(play->schedule, &play->pipeline, stage_index, cell->chunk);
    const struct part_cost *cost = &play->parts[part];
    double ready = ready_seconds(play, scratch, cell, part);
    if (isnan(ready)) {
        return false;
    }
    bool gathers = pipeline_gathers(play, cell) && cost->gather_seconds > 0.0;
    bool reduces = pipeline_reduces(play, cell) && cost->reduce_seconds > 0.0;
    double seconds = pipeline_cell_seconds(play, cell, cost);
    double layer = pipeline_piece_seconds(cost, seconds);
    double start = fmax(ready, stage->free_seconds);
    double end = start + seconds;
    if (gathers) {
        /* Gathered for every pass, its first layer is fetched during the last of the pass before.
         */
        double from = stage->exchange_seconds;
        if (play->every_pass || !play->overlap) {
            from = fmax(from, stage->free_seconds - (play->overlap ? stage->layer_seconds : 0.0));
        }
        double there = from + cost->gather_seconds;
        double first = play->overlap ? from + cost->gather_seconds * cost->gather_edge : there;
        start = fmax(start, first);
        end = fmax(start + seconds, there + (play->overlap ? layer : seconds));
        stage->exchange_seconds = there;
    }
    if (reduces) {
        double from = fmax(stage->exchange_seconds, play->overlap ? start + layer : end);
        stage->exchange_seconds =
            fmax(from + cost->reduce_seconds, end + cost->reduce_seconds * cost->reduce_edge);
    }
    stage->spans[stage->next++] = (struct cell_span){.start_seconds = start, .end_seconds = end};
    stage->free_seconds = end;
    stage->layer_seconds = layer;
    send(play, scratch, cell, part, end);
    return true;
}

double pipeline_play(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                     struct stage_times *stages)
{
    enum { MOST_STAGES = 1024 };
    uint32_t stage_count = play->pipeline.stages;
    assert(stage_count <= MOST_STAGES && "a pipeline deeper than was planned");
    uint32_t cells = pipeline_cell_count(play->schedule, &play->pipeline);
    struct stage running[MOST_STAGES];
    for (size_t i = 0; i < pipeline_scratch_arrivals(play); i++) {
        scratch->arrivals[i] = NAN;
    }
    for (uint32_t i = 0; i < stage_count; i++) {
        running[i] = (struct stage){.cells = scratch->cells + (size_t)i * cells,
                                    .spans = scratch->spans + (size_t)i * cells};
        play->schedule->fill(&play->pipeline, i, scratch->cells + (size_t)i * cells);
    }
    size_t left = (size_t)stage_count * cells;
    while (left > 0) {
        size_t before = left;
        for (uint32_t i = 0; i < stage_count; i++) {
            while (running[i].next < cells && run_cell(play, scratch, i, &running[i])) {
                left--;
            }
        }
        assert(left < before && "cells that wait for each other");
        (void)before;
    }
    double end = 0.0;
    for (uint32_t i = 0; i < stage_count; i++) {
        stages[i] = (struct stage_times){.end_seconds = running[i].free_seconds,
                                         .exchange_seconds = running[i].exchange_seconds};
        for (uint32_t j = 0; j < cells; j++) {
            const struct cell_span *span = &running[i].spans[j];
            stages[i].busy_seconds += span->end_seconds - span->start_seconds;
        }
        end = fmax(end, fmax(running[i].free_seconds, running[i].exchange_seconds));
    }
    return end;
}
