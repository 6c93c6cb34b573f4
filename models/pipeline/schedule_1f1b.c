/* SPDX-License-Identifier: MIT
 * One forward, one backward (PipeDream-Flush, arXiv 2006.09503; arXiv 2104.04473, figure 4): a
 * stage runs as many forward passes as there are stages after it, then one backward pass after
 * every forward pass. */
#include "models/pipeline/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t micro_batches = pipeline->micro_batches;
    uint32_t ahead = pipeline->stages - 1 - stage;
    ahead = ahead < micro_batches ? ahead : micro_batches;
    uint32_t count = 0;
    for (uint32_t forward = 0; forward < ahead; forward++) {
        cells[count++] = (struct cell){.kind = CELL_FORWARD, .micro_batch = forward};
    }
    for (uint32_t backward = 0; backward < micro_batches; backward++) {
        if (ahead + backward < micro_batches) {
            cells[count++] = (struct cell){.kind = CELL_FORWARD, .micro_batch = ahead + backward};
        }
        cells[count++] = (struct cell){.kind = CELL_BACKWARD, .micro_batch = backward};
    }
}

const struct pipeline_schedule schedule_1f1b = {
    .fill = fill,
};
