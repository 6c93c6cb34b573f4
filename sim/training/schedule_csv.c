/* SPDX-License-Identifier: MIT */
#include "sim/training/schedule_csv.h"

#include "sim/base/text.h"

static char letter(const struct pipeline_schedule *schedule, enum cell_kind kind)
{
    return kind == CELL_FORWARD                              ? 'F'
           : kind == CELL_WEIGHT                             ? 'W'
           : schedule->splits_backward && kind != CELL_WHOLE ? 'I'
                                                             : 'B';
}

const char *schedule_csv(struct arena *arena, const struct pipeline_schedule *schedule,
                         const struct pipeline *pipeline)
{
    struct text text = {.arena = arena};
    uint32_t count = pipeline_cell_count(schedule, pipeline);
    struct cell *cells = ARENA_ARRAY(arena, struct cell, count);
    for (uint32_t stage = 0; stage < pipeline->stages; stage++) {
        pipeline_fill(schedule, pipeline, stage, cells);
        bool paired = false;
        for (uint32_t i = 0; i < count && cells[i].kind != CELL_NONE; i++) {
            const struct cell *cell = &cells[i];
            text_add(&text, i == 0 ? "" : paired ? ";" : ",");
            text_print(&text, "%s%u%c%u%s", cell->with_next ? "(" : "",
                       pipeline_part(schedule, pipeline, stage, cell->chunk),
                       letter(schedule, cell->kind), cell->micro_batch,
                       paired ? ")OVERLAP_F_B" : "");
            paired = cell->with_next;
        }
        text_add(&text, "\n");
    }
    return text.bytes;
}
