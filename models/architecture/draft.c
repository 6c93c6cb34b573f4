/* SPDX-License-Identifier: MIT */
#include "models/architecture/draft.h"

void llm_draft(const struct llm *llm, uint32_t layers, uint32_t inputs, bool dense,
               struct llm *draft)
{
    uint32_t last = stack_kind(&llm->stack, llm->stack.layers - 1);
    *draft = *llm;
    draft->stack = (struct stack){.layers = layers, .kind_count = 1};
    draft->stack.kinds[0] = llm->stack.kinds[last];
    draft->joined_inputs = inputs;
    draft->super_weight_count = 0;
    struct ffn *ffn = &draft->stack.kinds[0].ffn;
    if (dense && ffn->kind == FFN_EXPERTS) {
        uint32_t width = ffn->experts.per_token * ffn->hidden + ffn->shared_hidden;
        *ffn = (struct ffn){.kind = FFN_DENSE, .hidden = width, .gated = ffn->gated};
    }
}
