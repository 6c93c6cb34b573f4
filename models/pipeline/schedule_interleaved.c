/* SPDX-License-Identifier: MIT
 * Interleaved 1F1B (arXiv 2104.04473, section 2.2): every stage holds several parts of the model
 * and takes a round of micro-batches through each in turn, which divides the bubble by their
 * number. The order is Megatron-LM's (core/pipeline_parallel/schedules.py). */
#include "models/pipeline/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t passes = pipeline->micro_batches * pipeline->chunks;
    uint32_t lead = pipeline->lead > 0 ? pipeline->lead : 2;
    uint32_t ahead =
        lead * (pipeline->stages - 1 - stage) + (pipeline->chunks - 1) * pipeline_round(pipeline);
    ahead = ahead < passes ? ahead : passes;
    uint32_t count = 0;
    for (uint32_t forward = 0; forward < ahead; forward++) {
        cells[count++] = pipeline_nth_cell(pipeline, CELL_FORWARD, forward);
    }
    for (uint32_t backward = 0; backward < passes; backward++) {
        if (ahead + backward < passes) {
            cells[count++] = pipeline_nth_cell(pipeline, CELL_FORWARD, ahead + backward);
        }
        cells[count++] = pipeline_nth_cell(pipeline, CELL_BACKWARD, backward);
    }
}

const struct pipeline_schedule schedule_interleaved = {
    .pairs = true,
    .interleaved = true,
    .fill = fill,
};
