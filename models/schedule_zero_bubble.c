/* SPDX-License-Identifier: MIT
 * ZB-H1 (Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 2.2 and figure 3): 1F1B with
 * the gradients of weights split off. Nobody waits for those, so stage s puts them off by s
 * micro-batches and fills its bubble with them; about as many activations as 1F1B. Idle: (p - 1)
 * (T_F + T_B - T_W). */
#include "models/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t micro_batches = pipeline->micro_batches;
    uint32_t ahead = pipeline->stages - 1 - stage;
    ahead = ahead < micro_batches ? ahead : micro_batches;
    uint32_t count = 0, weight = 0;
    for (uint32_t forward = 0; forward < ahead; forward++) {
        cells[count++] = (struct cell){.kind = CELL_FORWARD, .micro_batch = forward};
    }
    for (uint32_t backward = 0; backward < micro_batches; backward++) {
        if (ahead + backward < micro_batches) {
            cells[count++] = (struct cell){.kind = CELL_FORWARD, .micro_batch = ahead + backward};
        }
        cells[count++] = (struct cell){.kind = CELL_BACKWARD, .micro_batch = backward};
        if (backward >= stage) {
            cells[count++] = (struct cell){.kind = CELL_WEIGHT, .micro_batch = weight++};
        }
    }
    while (weight < micro_batches) {
        cells[count++] = (struct cell){.kind = CELL_WEIGHT, .micro_batch = weight++};
    }
}

const struct pipeline_schedule schedule_zero_bubble = {
    .name = "zero-bubble",
    .doc = "ZB-H1: 1F1B whose gradients of weights wait for the bubble.",
    .splits_backward = true,
    .fill = fill,
};
