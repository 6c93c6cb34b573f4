/* SPDX-License-Identifier: MIT */
#include "models/layout/model_stage.h"

static uint32_t stage_layers(uint32_t layers, uint32_t stages, uint32_t index)
{
    uint32_t each = layers / stages, left = layers % stages, from_last = stages - index;
    return each + (from_last >= 2 && from_last <= left + 1);
}

struct model_stage model_stage(const struct llm *llm, uint32_t stages, uint32_t index)
{
    struct model_stage stage = {.layers = stage_layers(llm->stack.layers, stages, index),
                                .embeds = index == 0,
                                .heads = index + 1 == stages};
    for (uint32_t i = 0; i < index; i++) {
        stage.first_layer += stage_layers(llm->stack.layers, stages, i);
    }
    return stage;
}

/* The layers of a segment that are the stage's. */
static struct step_segment cut_layers(const struct stack *stack, const struct model_stage *stage,
                                      struct step_segment segment)
{
    uint32_t first = segment.layer, end = segment.end;
    uint32_t stage_end = stage->first_layer + stage->layers;
    first = first > stage->first_layer ? first : stage->first_layer;
    end = end < stage_end ? end : stage_end;
    segment.repeat = end > first ? stack_kind_layers(stack, segment.kind, first, end) : 0;
    if (segment.repeat > 0) {
        segment.layer = stack_nth_layer(stack, segment.kind, first, 0);
        segment.end = end;
    }
    return segment;
}

void model_stage_cut(const struct llm *llm, const struct model_stage *stage,
                     struct step_program *program)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        struct step_segment segment = program->segments[i];
        switch (segment.part) {
        case STEP_EMBEDDING:
            segment.repeat = stage->embeds;
            break;
        case STEP_LAYERS:
            segment = cut_layers(&llm->stack, stage, segment);
            break;
        case STEP_HEAD:
            segment.repeat = stage->heads;
            break;
        case STEP_OTHER:
            break;
        }
        if (segment.repeat > 0) {
            program->segments[kept++] = segment;
        }
    }
    program->segment_count = kept;
}
