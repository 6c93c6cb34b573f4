/* SPDX-License-Identifier: MIT */
#include "sim/training/training_trace.h"

#include "sim/engine/engine.h"
#include "sim/trace/trace.h"

static void add_cells(const struct training_run *run, struct trace *trace, uint32_t stage)
{
    static const enum trace_cell_kind kinds[CELL_KIND_COUNT] = {
        [CELL_FORWARD] = TRACE_CELL_FORWARD,
        [CELL_BACKWARD] = TRACE_CELL_BACKWARD,
        [CELL_WEIGHT] = TRACE_CELL_WEIGHT,
    };
    const struct pipeline_play *play = &run->costs.play;
    uint32_t count = pipeline_cell_count(play->schedule, &play->pipeline);
    for (uint32_t i = 0; i < count; i++) {
        const struct cell *cell = &run->scratch.pipeline.cells[(size_t)stage * count + i];
        const struct cell_span *span = &run->scratch.pipeline.spans[(size_t)stage * count + i];
        trace_add_cell(trace, &(struct trace_cell){
                                  .stage = stage,
                                  .chunk = cell->chunk,
                                  .micro_batch = cell->micro_batch,
                                  .kind = kinds[cell->kind],
                                  .start_seconds = span->start_seconds,
                                  .duration_seconds = span->end_seconds - span->start_seconds,
                              });
    }
}

bool training_trace_write(const struct training_run *run, const char *path, bool *wrong_input,
                          struct diagnostics *diagnostics)
{
    struct trace_attributes attributes = {
        .seed = run->scenario->seed,
        .simgrid_version = engine_version(),
        .scenario = run->scenario->resolved_yaml,
    };
    struct trace *trace = trace_open(path, &attributes, diagnostics);
    *wrong_input = trace == NULL;
    if (trace == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < run->costs.play.pipeline.stages; i++) {
        const struct stage_times *times = &run->scratch.stages[i];
        const struct training_memory *memory = &run->stages[i];
        trace_add_stage(trace, &(struct trace_stage){
                                   .busy_seconds = times->busy_seconds,
                                   .end_seconds = times->end_seconds,
                                   .exchange_end_seconds = times->exchange_seconds,
                                   .parameter_bytes = memory->parameter_bytes,
                                   .gradient_bytes = memory->gradient_bytes,
                                   .optimizer_bytes = memory->optimizer_bytes,
                                   .activation_bytes = memory->activation_bytes,
                                   .capacity_bytes = run->scenario->gpu.memory_bytes,
                                   .passes_in_flight = memory->passes_in_flight,
                               });
        add_cells(run, trace, i);
    }
    return trace_close(trace);
}
