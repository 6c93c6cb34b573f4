/* SPDX-License-Identifier: MIT
 * ZB-V (Pipeline Parallelism with Controllable Memory, arXiv 2405.15362; the order of its authors'
 * and PyTorch's ScheduleZBVZeroBubble): two parts a stage, laid out as a V, so that the last stage
 * turns a micro-batch round by itself and the first ends it; gradients of weights fill what is left
 * of the bubble. Where a forward pass, gradients of inputs and gradients of weights take as long as
 * each other, nothing waits. */
#include "models/pipeline/pipeline_schedule.h"

/* A table under way; the schedule is that of at least 2 p - 1 micro-batches, without those that are
 * not there. */
struct table {
    struct cell *cells;
    uint32_t count, micro_batches;
    uint32_t done[CELL_KIND_COUNT][2];
};

static void run(struct table *table, enum cell_kind kind, uint32_t chunk)
{
    uint32_t micro_batch = table->done[kind][chunk]++;
    if (micro_batch < table->micro_batches) {
        table->cells[table->count++] =
            (struct cell){.kind = kind, .chunk = chunk, .micro_batch = micro_batch};
    }
}

static void turn(struct table *table, uint32_t chunk)
{
    run(table, CELL_BACKWARD, chunk);
    run(table, CELL_WEIGHT, chunk);
}

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t after = pipeline->stages - stage, least = 2 * pipeline->stages - 1;
    uint32_t all = pipeline->micro_batches > least ? pipeline->micro_batches : least;
    struct table table = {.cells = cells, .micro_batches = pipeline->micro_batches};
    uint32_t(*done)[2] = table.done;
    for (uint32_t i = 0; i < 2 * after - 1; i++) {
        run(&table, CELL_FORWARD, 0);
    }
    for (uint32_t i = 0; i < stage; i++) {
        run(&table, CELL_FORWARD, 1);
        run(&table, CELL_FORWARD, 0);
    }
    for (uint32_t i = 0; i < after; i++) {
        run(&table, CELL_FORWARD, 1);
        turn(&table, 1);
    }
    while (done[CELL_FORWARD][1] < done[CELL_FORWARD][0] || done[CELL_FORWARD][0] < all) {
        if (done[CELL_FORWARD][0] < all) {
            run(&table, CELL_FORWARD, 0);
        }
        turn(&table, 0);
        run(&table, CELL_FORWARD, 1);
        turn(&table, 1);
    }
    for (uint32_t i = 0; i < stage; i++) {
        run(&table, CELL_BACKWARD, 0);
        run(&table, CELL_BACKWARD, 1);
    }
    for (uint32_t i = 0; i < after; i++) {
        turn(&table, 0);
    }
    for (uint32_t chunk = 2; chunk-- > 0;) {
        while (done[CELL_WEIGHT][chunk] < done[CELL_BACKWARD][chunk]) {
            run(&table, CELL_WEIGHT, chunk);
        }
    }
}

const struct pipeline_schedule schedule_zbv = {
    .splits_backward = true,
    .interleaved = true,
    .any_micro_batches = true,
    .v_shaped = true,
    .chunks = 2,
    .fill = fill,
};
