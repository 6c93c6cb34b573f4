/* SPDX-License-Identifier: MIT
 * DualPipeV (DeepSeek-V3, arXiv 2412.19437, cut in half by its authors' V: github.com/deepseek-ai/
 * DualPipe; the order of PyTorch's ScheduleDualPipeV): two parts a stage, laid out as a V; a
 * forward pass of one and a whole backward pass of the other are handed to the runtime as a pair,
 * which may overlap them, and near the ends gradients of weights are split off to fill the bubble.
 * A pair runs one after the other, as PyTorch runs it by itself, or in one another
 * (pipeline_pair()). */
#include "models/pipeline/pipeline_schedule.h"

/* A table under way. Input passes owe their gradients of weights in the order they ran in. */
struct table {
    struct cell *cells;
    uint32_t count, weight; /* weight: the next input pass to look at */
    uint32_t forwards[2], backwards[2];
};

static void add(struct table *table, enum cell_kind kind, uint32_t chunk, uint32_t micro_batch)
{
    table->cells[table->count++] =
        (struct cell){.kind = kind, .chunk = chunk, .micro_batch = micro_batch};
}

static void forward(struct table *table, uint32_t chunk)
{
    add(table, CELL_FORWARD, chunk, table->forwards[chunk]++);
}

static void backward(struct table *table, uint32_t chunk, enum cell_kind kind)
{
    add(table, kind, chunk, table->backwards[chunk]++);
}

/* The oldest gradients of weights that are owed; false: none are. */
static bool weight(struct table *table)
{
    for (; table->weight < table->count; table->weight++) {
        const struct cell *cell = &table->cells[table->weight];
        if (cell->kind == CELL_BACKWARD) {
            table->weight++;
            add(table, CELL_WEIGHT, cell->chunk, cell->micro_batch);
            return true;
        }
    }
    return false;
}

static void pair(struct table *table, uint32_t forward_chunk)
{
    forward(table, forward_chunk);
    table->cells[table->count - 1].with_next = true;
    backward(table, 1 - forward_chunk, CELL_WHOLE);
}

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t after = pipeline->stages - 1 - stage, count = pipeline->micro_batches;
    struct table table = {.cells = cells};
    for (uint32_t i = 0; i < 2 * after; i++) {
        forward(&table, 0);
    }
    for (uint32_t i = 0; i <= stage; i++) {
        forward(&table, 0);
        forward(&table, 1);
    }
    for (uint32_t i = 0; i < after; i++) {
        backward(&table, 1, CELL_BACKWARD);
        weight(&table);
        forward(&table, 1);
    }
    for (uint32_t i = 0; i + 2 * pipeline->stages < count + stage + 1; i++) {
        pair(&table, 0);
        if (i == 0 && after == 0) { /* as its authors do, to start the stage before sooner */
            table.cells[table.count - 2].with_next = false;
        }
        pair(&table, 1);
    }
    for (uint32_t i = 0; i < after; i++) {
        backward(&table, 1, CELL_WHOLE);
        pair(&table, 1);
    }
    for (uint32_t i = 0; i <= stage; i++) { /* split from the middle on, in the middle of a round */
        uint32_t middle = (stage + 1) / 2;
        bool even = stage % 2 == 0;
        backward(&table, 1, i > middle || (i == middle && !even) ? CELL_BACKWARD : CELL_WHOLE);
        backward(&table, 0, i >= middle ? CELL_BACKWARD : CELL_WHOLE);
    }
    for (uint32_t i = 0; i < after; i++) {
        weight(&table);
        backward(&table, 0, CELL_BACKWARD);
    }
    while (weight(&table)) {
    }
    while (table.count < pipeline_cell_count(&schedule_dualpipev, pipeline)) {
        add(&table, CELL_NONE, 0, 0);
    }
}

const struct pipeline_schedule schedule_dualpipev = {
    .splits_backward = true,
    .pairs = true,
    .interleaved = true,
    .any_micro_batches = true,
    .v_shaped = true,
    .chunks = 2,
    .least_micro_batches = 2,
    .fill = fill,
};
