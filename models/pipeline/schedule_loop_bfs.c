/* SPDX-License-Identifier: MIT
 * Looped breadth-first (arXiv 2211.05953): a stage takes all micro-batches through its first part,
 * then all through its second, ...; back from the last part to the first, the last micro-batch
 * first (PyTorch's ScheduleLoopedBFS). Holds every pass's activations; parameters are used once. */
#include "models/pipeline/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    (void)stage;
    uint32_t count = 0;
    for (uint32_t chunk = 0; chunk < pipeline->chunks; chunk++) {
        for (uint32_t i = 0; i < pipeline->micro_batches; i++) {
            cells[count++] = (struct cell){.kind = CELL_FORWARD, .chunk = chunk, .micro_batch = i};
        }
    }
    for (uint32_t chunk = pipeline->chunks; chunk-- > 0;) {
        for (uint32_t i = pipeline->micro_batches; i-- > 0;) {
            cells[count++] = (struct cell){.kind = CELL_BACKWARD, .chunk = chunk, .micro_batch = i};
        }
    }
}

const struct pipeline_schedule schedule_loop_bfs = {
    .interleaved = true,
    .any_micro_batches = true,
    .fill = fill,
};
