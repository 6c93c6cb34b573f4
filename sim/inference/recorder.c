/* SPDX-License-Identifier: MIT */
#include "sim/inference/recorder.h"

#include <string.h>

static bool is_wanted(const struct recorder *recorder, const struct rank_role *role,
                      uint32_t repeat)
{
    switch (recorder->detail) {
    case OPERATORS_NONE:
        return false;
    case OPERATORS_LAYER:
        return role->rank == 0 && repeat == 0;
    case OPERATORS_ALL:
        return true;
    }
    return false;
}

void recorder_observe(void *context, const struct rank_role *role, uint32_t segment_index,
                      uint32_t repeat, double start_seconds, double end_seconds,
                      const struct span *spans)
{
    struct recorder *recorder = context;
    const struct step_segment *segment = &recorder->program->segments[segment_index];
    breakdown_add(&recorder->breakdowns[role->rank], segment, spans, end_seconds,
                  recorder->folded ? segment->repeat : 1.0);
    if (role->rank == 0 && repeat == 0) {
        recorder->segment_starts[segment_index] = start_seconds;
        recorder->segment_seconds[segment_index] = end_seconds;
    }
    if (role->rank == 0 && repeat == 0 && recorder->totals != NULL) {
        operator_totals_add(recorder->totals, segment, spans, end_seconds);
    }
    if (recorder->progress != NULL) {
        recorder->progress_from += recorder->progress_step;
        progress_update(recorder->progress, recorder->progress_from, recorder->progress_what);
    }
    if (!is_wanted(recorder, role, repeat)) {
        return;
    }
    size_t span_bytes = segment->count * sizeof *spans;
    struct record *record = arena_array(recorder->arena, 1, sizeof *record + span_bytes);
    record->role = *role;
    record->segment = segment_index;
    record->repeat = repeat;
    record->start_seconds = start_seconds;
    memcpy(record->spans, spans, span_bytes);
    if (recorder->last == NULL) {
        recorder->first = record;
    } else {
        recorder->last->next = record;
    }
    recorder->last = record;
}

void recorder_flow(void *context, const struct flow_seen *flow)
{
    struct recorder *recorder = context;
    struct flow_record *record = ARENA_NEW(recorder->arena, struct flow_record);
    *record = (struct flow_record){.next = recorder->flows, .seen = *flow};
    recorder->flows = record;
}
