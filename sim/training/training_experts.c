/* SPDX-License-Identifier: MIT */
#include "sim/training/training_experts.h"

#include "models/step/critical_path.h"

#include <math.h>

static bool is_exchange(const struct step_operator *op)
{
    return op->kind == OPERATOR_COLLECTIVE && op->collective.group == GROUP_EXPERT &&
           op->plan.flow_count > 0;
}

/* --- one pass under construction --- */

struct pass {
    const struct training *training;
    const struct training_costs *costs;
    struct span *spans;
    struct expert_exchange *list; /* NULL: they are counted */
    struct expert_exchanges *exchanges;
    double reached_seconds;
};

/* `layers` plays of a segment, one after the other. */
static void add_segments(struct pass *pass, uint32_t index, uint32_t layers)
{
    const struct step_segment *segment = &pass->costs->program.segments[index];
    bool listed = pass->list != NULL && layers > 0;
    if (listed) {
        segment_play(&pass->costs->program, segment, pass->spans);
    }
    for (uint32_t layer = 0; layer < layers; layer++) {
        for (uint32_t i = 0; i < segment->count; i++) {
            const struct step_operator *op = &segment->operators[i];
            if (is_exchange(op) && listed) {
                double start = pass->spans[i].start_seconds;
                pass->list[pass->exchanges->count] = (struct expert_exchange){
                    .plan = &op->plan,
                    .start_seconds = pass->reached_seconds + start,
                    .seconds = pass->spans[i].end_seconds - start,
                };
                pass->exchanges->seconds += pass->spans[i].end_seconds - start;
            }
            pass->exchanges->count += is_exchange(op);
        }
        pass->reached_seconds += pass->costs->segment_seconds[index];
    }
}

static void add_layers(struct pass *pass, uint32_t part, enum training_segment segment)
{
    for (uint32_t kind = 0; kind < pass->training->replica.llm->stack.kind_count; kind++) {
        add_segments(pass, training_segment_of(segment, kind),
                     training_part_kind_layers(pass->training, part, kind));
    }
}

/* In the order in which models/training/training_step.c adds a pass up. */
static void add_pass(struct pass *pass, uint32_t part, enum cell_kind kind)
{
    const struct pipeline *pipeline = &pass->costs->play.pipeline;
    bool first = part == 0, last = part + 1 == pipeline->stages * pipeline->chunks;
    double host =
        pipeline->stages > 1 ? pass->training->replica.software->training.stage_pass_seconds : 0.0;
    pass->reached_seconds = host;
    if (kind == CELL_FORWARD) {
        pass->reached_seconds += first ? pass->costs->segment_seconds[TRAINING_EMBEDDING] : 0.0;
        add_layers(pass, part, TRAINING_FORWARD);
    } else if (cell_is_backward(kind)) {
        double heads = last ? 1.0 + pass->training->predicted : 0.0;
        pass->reached_seconds +=
            heads * pass->costs->segment_seconds[TRAINING_HEAD_BACKWARD] +
            (heads - last) * pass->costs->segment_seconds[TRAINING_JOIN_BACKWARD];
        add_layers(pass, part, TRAINING_BACKWARD);
    }
}

static struct expert_exchanges exchanges_of(struct pass *pass, uint32_t part, enum cell_kind kind,
                                            struct arena *arena)
{
    struct expert_exchanges exchanges = {.count = 0};
    pass->exchanges = &exchanges;
    pass->list = NULL;
    add_pass(pass, part, kind);
    if (exchanges.count > 0) {
        pass->list = ARENA_ARRAY(arena, struct expert_exchange, exchanges.count);
        exchanges = (struct expert_exchanges){.list = pass->list};
        add_pass(pass, part, kind);
    }
    return exchanges;
}

struct expert_exchanges *expert_exchanges_create(const struct training *training,
                                                 const struct training_costs *costs,
                                                 const struct training_scratch *scratch,
                                                 struct arena *arena)
{
    uint32_t parts = costs->play.pipeline.stages * costs->play.pipeline.chunks;
    struct expert_exchanges *all =
        ARENA_ARRAY(arena, struct expert_exchanges, (size_t)parts * CELL_KIND_COUNT);
    struct pass pass = {.training = training, .costs = costs, .spans = scratch->step.spans};
    for (uint32_t part = 0; part < parts; part++) {
        for (int kind = 0; kind < CELL_KIND_COUNT; kind++) {
            all[part * CELL_KIND_COUNT + (uint32_t)kind] =
                exchanges_of(&pass, part, (enum cell_kind)kind, arena);
        }
    }
    return all;
}
