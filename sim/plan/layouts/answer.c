/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/answer.h"

#include "models/training/outer_step.h"
#include "models/training/training_memory.h"
#include "sim/plan/bounds.h"
#include "sim/scenario/cross_checks.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"

#include <math.h>
#include <string.h>

/* --- the best so far --- */

static bool beats(const struct answer *left, const struct answer *right)
{
    return left->gpus <= right->gpus && left->memory_bytes <= right->memory_bytes &&
           left->seconds <= right->seconds;
}

bool best_beats(const struct best_answers *best, const struct answer *answer)
{
    for (size_t i = 0; i < best->count; i++) {
        if (beats(&best->answers[i], answer)) {
            return true;
        }
    }
    return false;
}

void best_add(struct best_answers *best, const struct answer *answer)
{
    if (best_beats(best, answer)) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < best->count; i++) {
        if (!beats(answer, &best->answers[i])) {
            best->answers[kept++] = best->answers[i];
        }
    }
    best->count = kept;
    if (best->count == best->capacity) {
        size_t capacity = best->capacity > 0 ? 2 * best->capacity : 64;
        struct answer *larger = ARENA_ARRAY(best->arena, struct answer, capacity);
        if (best->count > 0) {
            memcpy(larger, best->answers, best->count * sizeof *larger);
        }
        best->answers = larger;
        best->capacity = capacity;
    }
    best->answers[best->count++] = *answer;
}

/* --- one layout --- */

struct answering answering_open(const struct layout_space *space, const struct scenario *base,
                                struct node *tree, struct arena *arena)
{
    struct training training = scenario_training(base);
    struct scenario *copy = ARENA_NEW(arena, struct scenario);
    *copy = *base;
    return (struct answering){.space = space,
                              .base = base,
                              .tree = tree,
                              .scenario = copy,
                              .reference_tokens = training_step_tokens(&training),
                              .orders = {.arena = arena}};
}

static bool is_possible(const struct answering *answering, struct arena *arena)
{
    struct diagnostics *diagnostics = diagnostics_create();
    scenario_check_layout(answering->scenario, answering->tree, arena, diagnostics);
    bool possible = diagnostics_error_count(diagnostics) == 0;
    diagnostics_destroy(diagnostics);
    return possible;
}

/* All GPUs at their peak all the time, what is recomputed included; and where backward passes are
 * whole, the last stage, which waits until the first micro-batch has come through the parts before
 * it, and whose last gradients go back through them: (stages - 1) / virtual stages micro-batches'
 * layers. */
static double least_step_seconds(const struct scenario *scenario, const struct training *training)
{
    const struct llm *llm = &scenario->llm;
    double forward = training_forward_flops(training);
    double flops = training_step_flops(training);
    double layers = (training->adapter_rank > 0 ? 2.0 : 3.0) * forward;
    if (training->recompute == RECOMPUTE_FULL) {
        flops += forward;
        layers += forward;
    }
    struct pipeline pipeline = training_pipeline(training);
    uint32_t parts = pipeline.stages * pipeline.chunks;
    if (!training->schedule->splits_backward && !training->schedule->v_shaped &&
        llm->stack.kind_count == 1 && llm->stack.layers % parts == 0) {
        layers *=
            1.0 + (pipeline.stages - 1.0) / ((double)pipeline.chunks * pipeline.micro_batches);
        flops = fmax(flops, layers);
    }
    return flops / layout_gpus(&scenario->layout) / bound_flops_per_second(scenario);
}

static double run_seconds(const struct answering *answering, const struct training *training,
                          double step_seconds)
{
    const struct scenario *scenario = answering->scenario;
    double tokens = scenario_training_tokens(scenario), best_steps;
    double steps = scenario_training_ends(scenario)
                       ? ceil(scenario_training_steps(scenario, training, tokens, &best_steps))
                       : answering->reference_tokens / training_step_tokens(training);
    return steps * step_seconds;
}

/* --- memory --- */

static bool same_pipeline(const struct pipeline *left, const struct pipeline *right)
{
    return left->stages == right->stages && left->chunks == right->chunks &&
           left->micro_batches == right->micro_batches && left->lead == right->lead &&
           left->group == right->group;
}

static void orders_turn(struct orders *orders, const struct training *training)
{
    struct pipeline pipeline = training_pipeline(training);
    if (orders->schedule == training->schedule && same_pipeline(&orders->pipeline, &pipeline)) {
        return;
    }
    size_t wanted = (size_t)pipeline.stages * pipeline_cell_count(training->schedule, &pipeline);
    if (wanted > orders->capacity) {
        orders->capacity = wanted > 2 * orders->capacity ? wanted : 2 * orders->capacity;
        orders->cells = ARENA_ARRAY(orders->arena, struct cell, orders->capacity);
    }
    orders->schedule = training->schedule;
    orders->pipeline = pipeline;
    orders->filled = 0;
}

static const struct cell *orders_stage(struct orders *orders, uint32_t stage)
{
    uint32_t count = pipeline_cell_count(orders->schedule, &orders->pipeline);
    for (; orders->filled <= stage; orders->filled++) {
        pipeline_fill(orders->schedule, &orders->pipeline, orders->filled,
                      orders->cells + (size_t)orders->filled * count);
    }
    return orders->cells + (size_t)stage * count;
}

/* The first stage that does not fit ends it. */
static bool fits(struct answering *answering, const struct training *training, double *memory_bytes)
{
    const struct scenario *scenario = answering->scenario;
    double room = scenario->memory_fraction * scenario->gpu.memory_bytes, host = 0.0;
    orders_turn(&answering->orders, training);
    *memory_bytes = 0.0;
    for (uint32_t stage = 0; stage < training->replica.layout->pipeline; stage++) {
        const struct cell *cells = orders_stage(&answering->orders, stage);
        struct training_memory memory = training_filled_memory(training, stage, cells);
        *memory_bytes = fmax(*memory_bytes, training_memory_total(&memory));
        host = fmax(host, memory.host_bytes);
        if (*memory_bytes > room || !training_host_has_room(training, host)) {
            return false;
        }
    }
    return true;
}

static enum answer_state price(struct answering *answering, struct arena *arena,
                               const struct best_answers *best, struct answer *answer)
{
    const struct scenario *scenario = answering->scenario;
    if (!is_possible(answering, arena)) {
        return ANSWER_REFUSED;
    }
    struct training training = scenario_training(scenario);
    scenario_pack_documents(scenario, arena, &training);
    if (!fits(answering, &training, &answer->memory_bytes)) {
        return ANSWER_MEMORY;
    }
    answer->seconds = run_seconds(answering, &training, least_step_seconds(scenario, &training));
    if (best != NULL && best_beats(best, answer)) {
        return ANSWER_BOUNDED;
    }
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct orders *orders = &answering->orders;
    if (!training.overlap_experts) { /* passes in pairs change their cells */
        scratch.pipeline.cells = orders->cells;
        scratch.pipeline.filled = true;
    }
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    answer->step_seconds = result.seconds;
    answer->mfu = result.mfu;
    const struct training_workload *workload = &scenario->training;
    double hidden = workload->outer_overlap ? workload->inner_steps * result.seconds : 0.0;
    double waits = outer_step(&training, hidden).wait_seconds / workload->inner_steps;
    answer->seconds = run_seconds(answering, &training, result.seconds + waits);
    return ANSWER_PRICED;
}

enum answer_state answer_variant(struct answering *answering, uint64_t shape, uint64_t variant,
                                 const struct best_answers *best, struct answer *answer)
{
    *answer = (struct answer){
        .shape = shape, .variant = variant, .gpus = answering->space->shapes[shape].gpus};
    if (!space_set_variant(answering->space, variant, answering->scenario)) {
        return ANSWER_SAME;
    }
    struct arena *arena = arena_create();
    enum answer_state state = price(answering, arena, best, answer);
    arena_destroy(arena);
    return state;
}
