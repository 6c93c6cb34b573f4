/* SPDX-License-Identifier: MIT */
#include "sim/scenario/training_scratch.h"

struct training_scratch training_scratch_create(struct arena *arena,
                                                const struct training *training)
{
    size_t operators = training_max_operators(training);
    size_t all = training_segment_count(training) * operators;
    const struct pipeline_play play = {.schedule = training->schedule,
                                       .pipeline = training_pipeline(training)};
    size_t parts = (size_t)play.pipeline.stages * play.pipeline.chunks;
    return (struct training_scratch){
        .operators = ARENA_ARRAY(arena, struct step_operator, all),
        .step = {.spans = ARENA_ARRAY(arena, struct span, all),
                 .works = ARENA_ARRAY(arena, struct kernel_work, all),
                 .counts = ARENA_ARRAY(arena, double, all)},
        .parts = ARENA_ARRAY(arena, struct part_cost, parts),
        .pipeline = {.cells = ARENA_ARRAY(arena, struct cell, pipeline_scratch_cells(&play)),
                     .spans = ARENA_ARRAY(arena, struct cell_span, pipeline_scratch_cells(&play)),
                     .arrivals = ARENA_ARRAY(arena, double, pipeline_scratch_arrivals(&play))},
        .hop_seconds = ARENA_ARRAY(arena, double, play.pipeline.stages),
        .stages = ARENA_ARRAY(arena, struct stage_times, play.pipeline.stages),
    };
}
