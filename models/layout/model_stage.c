/* SPDX-License-Identifier: MIT */
#include "models/layout/model_stage.h"

#include <string.h>

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

/* The part of a segment of layers that is the stage's. */
static struct step_segment cut_layers(const struct model_stage *stage, struct step_segment segment)
{
    uint32_t first = segment.layer, end = segment.layer + segment.repeat;
    uint32_t stage_end = stage->first_layer + stage->layers;
    first = first > stage->first_layer ? first : stage->first_layer;
    end = end < stage_end ? end : stage_end;
    segment.layer = first;
    segment.repeat = end > first ? end - first : 0;
    return segment;
}

void model_stage_cut(const struct model_stage *stage, struct step_program *program)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        struct step_segment segment = program->segments[i];
        if (strcmp(segment.name, "embedding") == 0) {
            segment.repeat = stage->embeds;
        } else if (strcmp(segment.name, "head") == 0) {
            segment.repeat = stage->heads;
        } else {
            segment = cut_layers(stage, segment);
        }
        if (segment.repeat > 0) {
            program->segments[kept++] = segment;
        }
    }
    program->segment_count = kept;
}
