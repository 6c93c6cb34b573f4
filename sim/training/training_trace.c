/* SPDX-License-Identifier: MIT */
#include "sim/training/training_trace.h"

#include "sim/trace/trace_groups.h"
#include "sim/trace/trace_time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What crossed a link of the GPU that plays a stage: flows of the step, and what its passes send
 * inside their priced segments, which arrives at it likewise. */
static double stage_link_bytes(const struct training_run *run, uint32_t stage, enum link_kind kind)
{
    struct traffic passes = training_stage_traffic(&run->training, &run->costs, stage);
    bool nvlink = kind == LINK_NVLINK_OUT || kind == LINK_NVLINK_IN;
    return run->links[stage].bytes[kind] + (nvlink ? passes.node_bytes : passes.fabric_bytes);
}

/* The step as a phase: the slowest stage's parts, and the rest of the time. */
static uint32_t add_step(const struct training_run *run, struct trace *trace)
{
    const struct training_result *result = &run->result;
    double nvlink = 0.0, network = 0.0;
    for (uint32_t i = 0; i < run->training.replica.layout->pipeline; i++) {
        nvlink += stage_link_bytes(run, i, LINK_NVLINK_OUT);
        network += stage_link_bytes(run, i, LINK_NIC_OUT);
    }
    double alike =
        layout_gpus(run->training.replica.layout) / (double)run->training.replica.layout->pipeline;
    struct trace_phase phase = {
        .name = "training step",
        .kind = TRACE_TRAINING_STEP,
        .turn = 1,
        .new_tokens = (uint64_t)training_step_tokens(&run->training),
        .duration_seconds = result->seconds,
        .latency_seconds = result->seconds,
        .flops = result->flops,
        .mfu = result->mfu,
        .nvlink_bytes = alike * nvlink,
        .network_bytes = alike * network,
        .joules = result->joules,
    };
    trace_phase_time(&phase, &result->classes,
                     result->seconds - breakdown_total_seconds(&result->classes));
    return (uint32_t)trace_add_phase(trace, &phase);
}

/* --- operators --- */

/* A pass under way: where its next operators begin, and how much longer than alone it takes. */
struct pass {
    const struct training_run *run;
    struct trace *trace;
    uint32_t phase, stage;
    double start_seconds, stretch;
};

/* One play of a segment. */
static void add_segment(struct pass *pass, uint32_t index, uint32_t layer)
{
    const struct training_costs *costs = &pass->run->costs;
    const struct step_segment *segment = &costs->program.segments[index];
    struct span *spans = pass->run->scratch.step.spans;
    double seconds = segment_play(&costs->program, segment, spans);
    for (uint32_t i = 0; i < segment->count; i++) {
        struct trace_operator row = trace_operator_row(segment, &segment->operators[i]);
        row.phase = pass->phase;
        row.layer = layer;
        row.gpu = pass->stage;
        row.start_seconds = pass->start_seconds + pass->stretch * spans[i].start_seconds;
        row.duration_seconds = pass->stretch * (spans[i].end_seconds - spans[i].start_seconds);
        trace_add_operator(pass->trace, &row);
    }
    pass->start_seconds += pass->stretch * seconds;
}

/* The layers behind the last that predict further tokens, with heads of their own. */
static void add_predicted(struct pass *pass, uint32_t layers, enum training_segment kind,
                          bool weights)
{
    const struct stack *stack = &pass->run->training.replica.llm->stack;
    uint32_t of = stack_kind(stack, stack->layers - 1);
    for (uint32_t i = 0; i < layers; i++) {
        bool forward = kind == TRAINING_FORWARD, backward = kind == TRAINING_BACKWARD;
        uint32_t layer = stack->layers + (forward ? i : layers - 1 - i);
        if (forward || backward) {
            add_segment(pass, forward ? TRAINING_JOIN : TRAINING_HEAD_BACKWARD, layer);
        }
        add_segment(pass, training_segment_of(kind, of), layer);
        if (weights) {
            add_segment(pass, training_segment_of(TRAINING_WEIGHT, of), layer);
        }
        if (forward || backward) {
            add_segment(pass, forward ? TRAINING_HEAD : TRAINING_JOIN_BACKWARD, layer);
        }
    }
}

/* The operators of a cell, one layer after the other; a cell that an exchange slows is stretched.
 */
static void add_operators(const struct training_run *run, struct trace *trace, uint32_t phase,
                          uint32_t stage, const struct cell *cell, const struct cell_span *span)
{
    const struct training *training = &run->training;
    const struct stack *stack = &training->replica.llm->stack;
    const struct pipeline_play *play = &run->costs.play;
    uint32_t part = pipeline_part(play->schedule, &play->pipeline, stage, cell->chunk);
    uint32_t layers = training_part_layers(training, part),
             first = training_part_first_layer(training, part);
    bool last = part + 1 == play->pipeline.stages * play->pipeline.chunks;
    double alone = play->parts[part].seconds[cell->kind];
    struct pass pass = {.run = run,
                        .trace = trace,
                        .phase = phase,
                        .stage = stage,
                        .start_seconds = span->start_seconds,
                        .stretch =
                            alone > 0.0 ? (span->end_seconds - span->start_seconds) / alone : 1.0};
    bool forward = cell->kind == CELL_FORWARD;
    uint32_t predicted = training_part_predicted(training, part);
    if (forward && part == 0) {
        add_segment(&pass, TRAINING_EMBEDDING, 0);
    } else if (cell_is_backward(cell->kind) && last) {
        add_segment(&pass, TRAINING_HEAD_BACKWARD, 0);
        add_predicted(&pass, predicted, TRAINING_BACKWARD, cell->kind == CELL_WHOLE);
    } else if (cell->kind == CELL_WEIGHT) {
        add_predicted(&pass, predicted, TRAINING_WEIGHT, false);
    }
    enum training_segment kind = forward                        ? TRAINING_FORWARD
                                 : cell_is_backward(cell->kind) ? TRAINING_BACKWARD
                                                                : TRAINING_WEIGHT;
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t layer = first + (forward ? i : layers - 1 - i);
        add_segment(&pass, training_segment_of(kind, stack_kind(stack, layer)), layer);
        if (cell->kind == CELL_WHOLE) {
            add_segment(&pass, training_segment_of(TRAINING_WEIGHT, stack_kind(stack, layer)),
                        layer);
        }
    }
    if (forward && last) {
        add_segment(&pass, TRAINING_HEAD, 0);
        add_predicted(&pass, predicted, TRAINING_FORWARD, false);
    } else if (cell_is_backward(cell->kind) && part == 0) {
        add_segment(&pass, TRAINING_EMBEDDING_BACKWARD, 0);
    }
}

/* --- GPUs and links --- */

static void add_gpu(const struct training_run *run, struct trace *trace, uint32_t stage)
{
    const struct training *training = &run->training;
    const struct training_memory *memory = &run->stages[stage];
    struct breakdown classes = training_stage_classes(training, &run->costs, &run->scratch, stage);
    uint32_t gpu = run->links[stage].gpu;
    struct trace_gpu row = {
        .gpu = gpu,
        .node = gpu / run->scenario->cluster.gpus_per_node,
        .weights_bytes = memory->parameter_bytes + memory->gradient_bytes + memory->optimizer_bytes,
        .activations_bytes = memory->activation_bytes,
        .capacity_bytes = run->scenario->gpu.memory_bytes,
        .joules = run->result.joules / layout_gpus(training->replica.layout),
    };
    trace_gpu_time(&row, &classes);
    trace_add_gpu(trace, &row);
}

static void add_links(const struct training_run *run, struct trace *trace, uint32_t stage)
{
    const struct cluster *cluster = &run->scenario->cluster;
    const struct stage_links *links = &run->links[stage];
    uint32_t per_nic = cluster->gpus_per_node / cluster->nics_per_node;
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        bool nvlink = kind == LINK_NVLINK_OUT || kind == LINK_NVLINK_IN;
        bool out = kind == LINK_NVLINK_OUT || kind == LINK_NIC_OUT;
        double rate = nvlink ? cluster->node_bytes_per_second : cluster->nic_bytes_per_second;
        double bytes = stage_link_bytes(run, stage, (enum link_kind)kind);
        double alone =
            (bytes - links->bytes[kind]) / rate; /* in passes, no other flow beside them */
        char name[32];
        snprintf(name, sizeof name, "%s%" PRIu32 "_%s", nvlink ? "nvlink" : "nic",
                 nvlink ? links->gpu : links->gpu / per_nic, out ? "UP" : "DOWN");
        trace_add_link(
            trace, &(struct trace_link){
                       .name = name,
                       .kind = nvlink ? TRACE_NVLINK : TRACE_NIC,
                       .gpu = stage,
                       .direction = out ? TRACE_OUT : TRACE_IN,
                       .bytes = bytes,
                       .capacity_bytes_per_second = rate,
                       .busy_seconds = fmin(links->busy_seconds[kind] + alone, run->result.seconds),
                       .utilisation = bytes / (rate * run->result.seconds),
                   });
    }
}

static void add_cells(const struct training_run *run, struct trace *trace, uint32_t phase,
                      uint32_t stage)
{
    static const enum trace_cell_kind kinds[CELL_KIND_COUNT] = {
        [CELL_NONE] = TRACE_CELL_FORWARD, /* not written */
        [CELL_FORWARD] = TRACE_CELL_FORWARD, [CELL_BACKWARD] = TRACE_CELL_BACKWARD,
        [CELL_WEIGHT] = TRACE_CELL_WEIGHT,   [CELL_WHOLE] = TRACE_CELL_BACKWARD,
    };
    const struct pipeline_play *play = &run->costs.play;
    uint32_t count = pipeline_cell_count(play->schedule, &play->pipeline);
    for (uint32_t i = 0; i < count; i++) {
        const struct cell *cell = &run->scratch.pipeline.cells[(size_t)stage * count + i];
        const struct cell_span *span = &run->scratch.pipeline.spans[(size_t)stage * count + i];
        if (cell->kind == CELL_NONE) {
            break;
        }
        trace_add_cell(trace, &(struct trace_cell){
                                  .stage = stage,
                                  .chunk = cell->chunk,
                                  .micro_batch = cell->micro_batch,
                                  .kind = kinds[cell->kind],
                                  .start_seconds = span->start_seconds,
                                  .duration_seconds = span->end_seconds - span->start_seconds,
                              });
        if (cell->micro_batch == 0) { /* the others are alike */
            add_operators(run, trace, phase, stage, cell, span);
        }
    }
}

void training_trace_write(const struct training_run *run, struct trace *trace)
{
    uint32_t phase = add_step(run, trace);
    struct placement placement = training_placement(&run->training);
    trace_groups_write(trace, &placement);
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
        add_gpu(run, trace, i);
        if (run->scenario->trace.links != LINKS_NONE) {
            add_links(run, trace, i);
        }
        add_cells(run, trace, phase, i);
    }
}
