/* SPDX-License-Identifier: MIT
 * GPipe (arXiv 1811.06965): all forward passes, then all backward passes. */
#include "models/pipeline/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    (void)stage;
    for (uint32_t i = 0; i < pipeline->micro_batches; i++) {
        cells[i] = (struct cell){.kind = CELL_FORWARD, .micro_batch = i};
        cells[pipeline->micro_batches + i] = (struct cell){.kind = CELL_BACKWARD, .micro_batch = i};
    }
}

const struct pipeline_schedule schedule_gpipe = {
    .fill = fill,
};
