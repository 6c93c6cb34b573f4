/* SPDX-License-Identifier: MIT */
#include "models/pipeline/pipeline_schedule.h"

#include <assert.h>
#include <string.h>

const struct pipeline_schedule *const pipeline_schedules[TRAINING_SCHEDULE_COUNT] = {
    PIPELINE_SCHEDULES(ROW_OBJECT)};

const char *pipeline_schedule_name(const struct pipeline_schedule *schedule)
{
    static const char *const names[TRAINING_SCHEDULE_COUNT] = {PIPELINE_SCHEDULES(ROW_NAME)};
    int kind = 0;
    while (kind < TRAINING_SCHEDULE_COUNT && pipeline_schedules[kind] != schedule) {
        kind++;
    }
    return kind < TRAINING_SCHEDULE_COUNT ? names[kind] : "file";
}

void pipeline_fill(const struct pipeline_schedule *schedule, const struct pipeline *pipeline,
                   uint32_t stage, struct cell *cells)
{
    uint32_t count = pipeline_cell_count(schedule, pipeline);
    bool seen[PIPELINE_MOST_CHUNKS] = {false}, ended[PIPELINE_MOST_CHUNKS] = {false};
    assert(pipeline->chunks <= PIPELINE_MOST_CHUNKS && "more parts than was planned");
    if (schedule->table != NULL) {
        memcpy(cells, &schedule->table[(size_t)stage * count], count * sizeof *cells);
    } else {
        schedule->fill(pipeline, stage, cells);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cell *forth = &cells[i], *back = &cells[count - 1 - i];
        forth->first = forth->kind == CELL_FORWARD && !seen[forth->chunk];
        seen[forth->chunk] |= forth->first;
        back->last = cell_is_last(schedule, back->kind) && !ended[back->chunk];
        ended[back->chunk] |= back->last;
    }
}

bool cell_is_backward(enum cell_kind kind)
{
    return kind == CELL_BACKWARD || kind == CELL_WHOLE;
}

bool cell_is_last(const struct pipeline_schedule *schedule, enum cell_kind kind)
{
    return kind == CELL_WHOLE || kind == (schedule->splits_backward ? CELL_WEIGHT : CELL_BACKWARD);
}

uint32_t pipeline_part(const struct pipeline_schedule *schedule, const struct pipeline *pipeline,
                       uint32_t stage, uint32_t chunk)
{
    bool backwards = schedule->v_shaped && chunk % 2 == 1;
    return chunk * pipeline->stages + (backwards ? pipeline->stages - 1 - stage : stage);
}

uint32_t pipeline_part_stage(const struct pipeline_schedule *schedule,
                             const struct pipeline *pipeline, uint32_t part)
{
    uint32_t along = part % pipeline->stages;
    bool backwards = schedule->v_shaped && part / pipeline->stages % 2 == 1;
    return backwards ? pipeline->stages - 1 - along : along;
}

struct cell pipeline_nth_cell(const struct pipeline *pipeline, enum cell_kind kind, uint32_t n)
{
    uint32_t round = pipeline_round(pipeline);
    uint32_t first = n / (round * pipeline->chunks) * round; /* micro-batch of its round */
    uint32_t left = pipeline->micro_batches - first;
    uint32_t here = left < round ? left : round;
    uint32_t in_round = n - first * pipeline->chunks;
    uint32_t chunk = in_round / here;
    return (struct cell){
        .kind = kind,
        .chunk = kind == CELL_FORWARD ? chunk : pipeline->chunks - 1 - chunk,
        .micro_batch = first + in_round % here,
    };
}

uint32_t pipeline_cell_count(const struct pipeline_schedule *schedule,
                             const struct pipeline *pipeline)
{
    return pipeline->micro_batches * pipeline->chunks * (schedule->splits_backward ? 3 : 2);
}

uint32_t pipeline_round(const struct pipeline *pipeline)
{
    if (pipeline->group > 0) {
        return pipeline->group;
    }
    uint32_t rounds = pipeline->micro_batches / pipeline->stages;
    rounds = rounds > 0 ? rounds : 1;
    return pipeline->micro_batches % rounds == 0 ? pipeline->micro_batches / rounds : 0;
}

uint32_t pipeline_in_flight(const struct pipeline_schedule *schedule,
                            const struct pipeline *pipeline, const struct cell *cells)
{
    uint32_t held = 0, most = 0;
    for (uint32_t i = 0; i < pipeline_cell_count(schedule, pipeline); i++) {
        held += cells[i].kind == CELL_FORWARD;
        most = held > most ? held : most;
        held -= cell_is_last(schedule, cells[i].kind);
    }
    return most;
}

double pipeline_bubble(const struct pipeline *pipeline)
{
    return (pipeline->stages - 1.0) / ((double)pipeline->chunks * pipeline->micro_batches);
}
