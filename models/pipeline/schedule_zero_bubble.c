/* SPDX-License-Identifier: MIT
 * ZB-H1 (Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 2.2 and figure 3): 1F1B with
 * the gradients of weights split off. Nobody waits for those, so stage s puts them off by s
 * micro-batches and fills its bubble with them; about as many activations as 1F1B. Idle: (p - 1)
 * (T_F + T_B - T_W). Over several parts a stage it is interleaved 1F1B treated alike, with one
 * forward pass a stage and hop ahead in place of two (PyTorch's ScheduleInterleavedZeroBubble). */
#include "models/pipeline/pipeline_schedule.h"

static void fill(const struct pipeline *pipeline, uint32_t stage, struct cell *cells)
{
    uint32_t passes = pipeline->micro_batches * pipeline->chunks;
    uint32_t ahead =
        pipeline->stages - 1 - stage + (pipeline->chunks - 1) * pipeline_round(pipeline);
    ahead = ahead < passes ? ahead : passes;
    uint32_t count = 0, weight = 0;
    for (uint32_t forward = 0; forward < ahead; forward++) {
        cells[count++] = pipeline_nth_cell(pipeline, CELL_FORWARD, forward);
    }
    for (uint32_t backward = 0; backward < passes; backward++) {
        if (ahead + backward < passes) {
            cells[count++] = pipeline_nth_cell(pipeline, CELL_FORWARD, ahead + backward);
        }
        cells[count++] = pipeline_nth_cell(pipeline, CELL_BACKWARD, backward);
        if (backward >= stage) {
            cells[count++] = pipeline_nth_cell(pipeline, CELL_WEIGHT, weight++);
        }
    }
    while (weight < passes) {
        cells[count++] = pipeline_nth_cell(pipeline, CELL_WEIGHT, weight++);
    }
}

const struct pipeline_schedule schedule_zero_bubble = {
    .splits_backward = true,
    .interleaved = true,
    .fill = fill,
};
