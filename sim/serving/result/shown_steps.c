/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/shown_steps.h"

#include "models/step/breakdown.h"
#include "sim/trace/trace_time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The octave of a count, from 1; 0 of none. */
static int octave(double count)
{
    return count < 1.0 ? 0 : 1 + (int)floor(log2(count));
}

static struct shown_step step_of(const struct server *server, const struct step_shape *shape)
{
    return (struct shown_step){.pool = server->pool->index,
                               .octaves = {octave((double)shape->prompt_tokens),
                                           octave(shape->decodes), octave(shape->decode_context)}};
}

/* Octaves between them; of another pool, more than any of the same. */
static int distance(const struct shown_step *one, const struct shown_step *other)
{
    enum { OF_ANOTHER_POOL = 1 << 12 };
    int sum = one->pool == other->pool ? 0 : OF_ANOTHER_POOL;
    for (int i = 0; i < 3; i++) {
        sum += abs(one->octaves[i] - other->octaves[i]);
    }
    return sum;
}

/* A step whose operators are under way to the trace. */
struct showing {
    struct trace *trace;
    struct breakdown parts;
    uint32_t phase, gpu;
    double start_seconds, seconds;
};

static void add_parts(void *context, const struct step_segment *segment, const struct span *spans,
                      double seconds)
{
    struct showing *showing = context;
    breakdown_add(&showing->parts, segment, spans, seconds, segment->repeat);
    showing->seconds += segment->repeat * seconds;
}

/* The first of the layers that a segment stands for. */
static void add_operators(void *context, const struct step_segment *segment,
                          const struct span *spans, double seconds)
{
    struct showing *showing = context;
    for (uint32_t i = 0; i < segment->count; i++) {
        struct trace_operator row = trace_operator_row(segment, &segment->operators[i]);
        row.phase = showing->phase;
        row.layer = segment->part == STEP_LAYERS ? segment->layer : 0;
        row.gpu = showing->gpu;
        row.start_seconds = showing->start_seconds + spans[i].start_seconds;
        row.duration_seconds = spans[i].end_seconds - spans[i].start_seconds;
        trace_add_operator(showing->trace, &row);
    }
    showing->start_seconds += segment->repeat * seconds;
}

/* The row of /gpus of a server's first GPU: GPUs between pools have none. */
static uint32_t gpu_row(const struct server *server)
{
    const struct fleet *fleet = server->fleet;
    uint32_t row = server->first_gpu - server->pool->first_gpu;
    bool apart = !fleet_shares_gpus(fleet);
    for (uint32_t i = 0; apart && &fleet->pools[i] != server->pool; i++) {
        row += fleet->pools[i].placement.ranks;
    }
    return row;
}

/* "step 3: 2048 new, 31 decode": tokens of prompts, and sequences. */
static void name_step(const struct step_shape *shape, uint32_t number, char *name, size_t room)
{
    size_t length = (size_t)snprintf(name, room, "step %" PRIu32 ":", number);
    if (shape->prompts > 0) {
        length += (size_t)snprintf(name + length, room - length, " %" PRIu64 " new%s",
                                   shape->prompt_tokens, shape->decodes > 0 ? "," : "");
    }
    if (shape->decodes == 0 && shape->prompts == 0) {
        snprintf(name + length, room - length, " nothing of its own");
    }
    if (shape->decodes > 0) {
        snprintf(name + length, room - length, " %" PRIu32 " decode", shape->decodes);
    }
}

/* A rank that shares experts takes part in the others' steps without a sequence of its own. */
static uint32_t show_idle(struct trace *trace, const struct played_steps *steps, uint32_t number)
{
    char name[80];
    name_step(&steps->shape, number, name, sizeof name);
    double seconds = steps->seconds / steps->steps;
    return (uint32_t)trace_add_phase(trace, &(struct trace_phase){
                                                .name = name,
                                                .kind = TRACE_SERVING_STEP,
                                                .start_seconds = steps->start_seconds,
                                                .duration_seconds = seconds,
                                                .latency_seconds = seconds,
                                                .other_seconds = seconds,
                                            });
}

static uint32_t show(struct trace *trace, const struct server *server,
                     const struct played_steps *steps, uint32_t number)
{
    struct showing showing = {
        .trace = trace, .gpu = gpu_row(server), .start_seconds = steps->start_seconds};
    const struct scenario *scenario = server->pool->scenario;
    const struct step_shape *shape = &steps->shape;
    struct step_cost cost = step_cost_show(server->stage_costs[0], shape, add_parts, &showing);
    char name[80];
    name_step(shape, number, name, sizeof name);
    double gpus = (double)server->pool->gpus_per_server / scenario->layout.pipeline;
    double peak = gpu_stated_flops_per_second(&scenario->gpu);
    struct trace_phase row = {
        .name = name,
        .kind = TRACE_SERVING_STEP,
        .new_tokens = shape->prompt_tokens + shape->decodes,
        .cached_tokens = (uint64_t)llround(shape->decodes * shape->decode_context),
        .ring = trace_ring_of(cost.variant),
        .start_seconds = steps->start_seconds,
        .duration_seconds = showing.seconds,
        .latency_seconds = steps->seconds / steps->steps,
        .flops = gpus * cost.parts.flops,
        .mfu = cost.parts.flops / (showing.seconds * peak),
        .nvlink_bytes = gpus * cost.nvlink_bytes,
        .network_bytes = gpus * cost.network_bytes,
        .joules = gpus * cost.watts * showing.seconds,
    };
    trace_phase_time(&row, &showing.parts, 0.0);
    showing.phase = (uint32_t)trace_add_phase(trace, &row);
    if (scenario->trace.operators != OPERATORS_NONE) {
        step_cost_show(server->stage_costs[0], shape, add_operators, &showing);
    }
    return showing.phase;
}

uint32_t shown_steps_like(struct shown_steps *shown, struct trace *trace,
                          const struct server *server, const struct played_steps *steps)
{
    struct shown_step wanted = step_of(server, &steps->shape);
    uint32_t nearest = 0;
    int least = INT32_MAX;
    for (uint32_t i = 0; i < shown->count; i++) {
        int apart = distance(&shown->steps[i], &wanted);
        if (apart < least) {
            nearest = i;
            least = apart;
        }
    }
    if (least == 0 || shown->count == SHOWN_STEPS) {
        return shown->steps[nearest].phase;
    }
    shown->steps[shown->count] = wanted;
    shown->count++;
    uint32_t *phase = &shown->steps[shown->count - 1].phase;
    *phase = steps->shape.decodes == 0 && steps->shape.prompts == 0
                 ? show_idle(trace, steps, shown->count)
                 : show(trace, server, steps, shown->count);
    return *phase;
}
