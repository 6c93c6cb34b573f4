/* SPDX-License-Identifier: MIT
 * A stage of a pipeline in inference: which layers of the model its ranks hold. Layers are shared
 * out as vLLM does (vllm/distributed/utils.py, get_pp_indices): as many each as go in evenly, and
 * of those left over one each to the last stages but the very last, which has the output head.
 * Pure. */
#ifndef CPSIM_MODELS_LAYOUT_MODEL_STAGE_H
#define CPSIM_MODELS_LAYOUT_MODEL_STAGE_H

#include "models/architecture/llm.h"
#include "models/step/step_program.h"

struct model_stage {
    uint32_t first_layer, layers;
    bool embeds, heads; /* the first stage, the last */
};

/* Stage `index` of `stages`, which is at most the model's layers. */
struct model_stage model_stage(const struct llm *llm, uint32_t stages, uint32_t index);

/* Leaves of a whole forward pass what the stage's ranks do. */
void model_stage_cut(const struct llm *llm, const struct model_stage *stage,
                     struct step_program *program);

#endif
