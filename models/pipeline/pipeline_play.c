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
    double piece_seconds;    /* of the last cell */
    double sent_seconds[2];  /* the last of what it sent forward, and backward, is there */
    double message_seconds;  /* in_order: the last of what it sent or received is there */
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

bool pipeline_waits(const struct pipeline_play *play, const struct cell *cell, uint32_t part)
{
    uint32_t parts = play->pipeline.stages * play->pipeline.chunks;
    return cell->kind == CELL_FORWARD ? part > 0 : cell_is_backward(cell->kind) && part + 1 < parts;
}

uint32_t pipeline_next_part(const struct pipeline_play *play, const struct cell *cell,
                            uint32_t part)
{
    uint32_t parts = play->pipeline.stages * play->pipeline.chunks;
    if (cell->kind == CELL_FORWARD) {
        return part + 1 < parts ? part + 1 : UINT32_MAX;
    }
    return cell_is_backward(cell->kind) && part > 0 ? part - 1 : UINT32_MAX;
}

static const struct part_cost *cost_of(const struct pipeline_play *play, uint32_t stage,
                                       const struct cell *cell)
{
    return &play->parts[pipeline_part(play->schedule, &play->pipeline, stage, cell->chunk)];
}

static bool is_pair(const struct pipeline_play *play, const struct cell *first,
                    const struct cell *second)
{
    bool together = first->kind == CELL_FORWARD && cell_is_backward(second->kind);
    bool handed_out =
        play->schedule->v_shaped ? first->with_next : first->micro_batch != second->micro_batch;
    return together && handed_out;
}

void pipeline_pair(const struct pipeline_play *play, uint32_t stage, struct cell *cells)
{
    uint32_t count = pipeline_cell_count(play->schedule, &play->pipeline);
    for (uint32_t i = 0; play->pairs && i + 1 < count; i++) {
        struct cell *first = &cells[i], *second = &cells[i + 1];
        if (first->pace > 0.0 || !is_pair(play, first, second)) {
            continue;
        }
        const struct part_cost *a = cost_of(play, stage, first), *b = cost_of(play, stage, second);
        double alone = a->seconds[first->kind] + b->seconds[second->kind];
        double exchange = a->experts_seconds[first->kind] + b->experts_seconds[second->kind];
        double kernels = alone - exchange;
        double both = fmax(exchange, kernels + exchange * play->exchange_share);
        first->pace = second->pace = alone > 0.0 ? fmin(1.0, both / alone) : 1.0;
    }
}

double pipeline_hop_seconds(const struct pipeline_play *play, uint32_t from, uint32_t to)
{
    uint32_t stages = play->pipeline.stages;
    if (from == to || play->hop_seconds == NULL) {
        return 0.0;
    }
    return play->hop_seconds[(from + 1) % stages == to ? from : to];
}

/* When what the cell needs from another part is there; NAN: not yet known. */
static double ready_seconds(const struct pipeline_play *play,
                            const struct pipeline_scratch *scratch, const struct cell *cell,
                            uint32_t part)
{
    return pipeline_waits(play, cell, part)
               ? *arrival(play, scratch, cell->kind == CELL_FORWARD, part, cell->micro_batch)
               : 0.0; /* of its own stage, in order */
}

bool pipeline_order(const struct pipeline_schedule *schedule)
{
    return schedule->interleaved; /* PyTorch runs GPipe and 1F1B by functions of their own */
}

/* The stages under way. */
struct stages {
    struct stage *stages;
    size_t messages; /* that were sent */
};

/* Of a stage's results one travels after the other, each way; or, in order, of all that it sends
 * and receives. */
static void send(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                 uint32_t index, uint32_t part, uint32_t from, struct stages *all)
{
    struct stage *stage = &all->stages[from];
    const struct cell *cell = &stage->cells[index];
    uint32_t next = pipeline_next_part(play, cell, part);
    if (next == UINT32_MAX) {
        return;
    }
    bool forward = cell->kind == CELL_FORWARD;
    uint32_t to = pipeline_part_stage(play->schedule, &play->pipeline, next);
    double *there = arrival(play, scratch, forward, next, cell->micro_batch);
    if (from == to) {
        *there = stage->free_seconds;
        return;
    }
    double *sent = &stage->sent_seconds[forward ? 0 : 1];
    double start = fmax(*sent, stage->free_seconds);
    if (play->in_order) {
        struct stage *receiver = &all->stages[to];
        sent = &stage->message_seconds;
        start = fmax(fmax(*sent, receiver->message_seconds), stage->free_seconds);
        receiver->message_seconds = start + pipeline_hop_seconds(play, from, to);
        if (scratch->messages != NULL) {
            scratch->messages[all->messages] = (struct pipeline_message){from, index, to};
        }
        all->messages++;
    }
    *sent = start + pipeline_hop_seconds(play, from, to);
    *there = *sent;
}

static bool gathers(const struct pipeline_play *play, const struct cell *cell)
{
    return play->every_pass ? cell->kind == CELL_FORWARD ||
                                  (cell_is_backward(cell->kind) && !play->keeps_gathered)
                            : cell->first;
}

static bool reduces(const struct pipeline_play *play, const struct cell *cell)
{
    return play->every_pass ? cell_is_last(play->schedule, cell->kind) : cell->last;
}

struct cell_run pipeline_cell_run(const struct pipeline_play *play, const struct cell *cell,
                                  const struct part_cost *cost)
{
    double alone = cost->seconds[cell->kind] * (cell->pace > 0.0 ? cell->pace : 1.0);
    bool gather = gathers(play, cell), reduce = reduces(play, cell), overlap = play->overlap;
    struct cell_run run = {
        .seconds = alone,
        .gathers = gather && cost->gather_seconds > 0.0,
        .reduces = reduce && cost->reduce_seconds > 0.0,
        .asks_early = overlap,
        .first_share = overlap ? cost->gather_edge : 1.0,
        .last_share = cost->reduce_edge,
    };
    if (overlap && gather) {
        run.seconds += fmin(cost->gather_seconds, alone) * (cost->gather_factor - 1.0);
    }
    if (overlap && reduce) {
        run.seconds += fmin(cost->reduce_seconds, alone) * (cost->reduce_factor - 1.0);
    }
    run.piece_seconds = run.seconds / fmin(cost->pieces, cost->layers);
    run.whole_seconds = overlap ? run.piece_seconds : run.seconds;
    run.reduce_after = overlap ? run.piece_seconds : run.seconds;
    return run;
}

/* Runs the stage's next cell if what it needs is known. */
static bool run_cell(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                     uint32_t stage_index, struct stages *all)
{
    struct stage *stage = &all->stages[stage_index];
    const struct cell *cell = &stage->cells[stage->next];
    uint32_t part = pipeline_part(play->schedule, &play->pipeline, stage_index, cell->chunk);
    const struct part_cost *cost = &play->parts[part];
    double ready = ready_seconds(play, scratch, cell, part);
    if (isnan(ready)) {
        return false;
    }
    struct cell_run run = pipeline_cell_run(play, cell, cost);
    double start = fmax(ready, stage->free_seconds);
    double end = start + run.seconds;
    if (run.gathers) {
        double from = stage->exchange_seconds;
        if (play->every_pass || !run.asks_early) {
            double before = run.asks_early ? stage->piece_seconds : 0.0;
            from = fmax(from, stage->free_seconds - before);
        }
        double there = from + cost->gather_seconds;
        start = fmax(start,
                     run.first_share < 1.0 ? from + cost->gather_seconds * run.first_share : there);
        end = fmax(start + run.seconds, there + run.whole_seconds);
        stage->exchange_seconds = there;
    }
    if (run.reduces) {
        /* What the pass waits for, it waits for before its last piece. */
        bool before = run.reduce_after + run.whole_seconds <= run.seconds || !run.gathers;
        double asked = before ? start + run.reduce_after : end - (run.seconds - run.reduce_after);
        double from = fmax(stage->exchange_seconds, asked);
        stage->exchange_seconds =
            fmax(from + cost->reduce_seconds, end + cost->reduce_seconds * run.last_share);
    }
    stage->spans[stage->next++] = (struct cell_span){.start_seconds = start, .end_seconds = end};
    stage->free_seconds = end;
    stage->piece_seconds = run.piece_seconds;
    send(play, scratch, stage->next - 1, part, stage_index, all);
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
        if (!scratch->filled) {
            pipeline_fill(play->schedule, &play->pipeline, i, scratch->cells + (size_t)i * cells);
        }
        pipeline_pair(play, i, scratch->cells + (size_t)i * cells);
    }
    struct stages all = {.stages = running};
    size_t left = (size_t)stage_count * cells;
    while (left > 0) {
        size_t before = left;
        for (uint32_t i = 0; i < stage_count; i++) {
            bool more = true; /* in order, one cell a round */
            while (more && running[i].next < cells && run_cell(play, scratch, i, &all)) {
                left--;
                more = !play->in_order;
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
