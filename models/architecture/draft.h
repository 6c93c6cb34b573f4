/* SPDX-License-Identifier: MIT
 * Small models that guess what a large one will say next, made of its own layers. Pure. */
#ifndef CPSIM_MODELS_ARCHITECTURE_DRAFT_H
#define CPSIM_MODELS_ARCHITECTURE_DRAFT_H

#include "models/architecture/llm.h"

/* `layers` like the model's last one behind a product that joins `inputs` vectors of `hidden`
 * elements: the embedding of the last token and the model's own features. `dense`: experts are one
 * block as wide as those that a token goes to. Embedding and head are the model's own. */
void llm_draft(const struct llm *llm, uint32_t layers, uint32_t inputs, bool dense,
               struct llm *draft);

#endif
