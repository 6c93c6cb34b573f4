/* SPDX-License-Identifier: MIT */
#include "sim/training/schedule_csv.h"

#include "sim/base/text.h"

static char letter(const struct pipeline_schedule *schedule, enum cell_kind kind)
{
    return kind == CELL_FORWARD        ? 'F'
           : kind == CELL_WEIGHT       ? 'W'
           : schedule->splits_backward ? 'I'
                                       : 'B';
}

const char *schedule_csv(struct arena *arena, const struct pipeline_schedule *schedule,
                         const struct pipeline *pipeline)
{
    struct text text = {.arena = arena};
    uint32_t count = pipeline_cell_count(schedule, pipeline);
    struct cell *cells = ARENA_ARRAY(arena, struct cell, count);
    for (uint32_t stage = 0; stage < pipeline->stages; stage++) {
        schedule->fill(pipeline, stage, cells);
        for (uint32_t i = 0; i < count; i++) {
            text_print(&text, "%s%u%c%u", i == 0 ? "" : ",",
                       pipeline_part(schedule, pipeline, stage, cells[i].chunk),
                       letter(schedule, cells[i].kind), cells[i].micro_batch);
        }
        text_add(&text, "\n");
    }
    return text.bytes;
}
