/* SPDX-License-Identifier: MIT
 * From the keys of a model file to its stack of layers. */
#ifndef CPSIM_SIM_SCENARIO_LLM_FINISH_H
#define CPSIM_SIM_SCENARIO_LLM_FINISH_H

#include "models/architecture/llm.h"
#include "sim/config/field.h"

/* After `model` has been read into `llm` by llm_fields: what kinds do not say is taken from the
 * top, the names in `stack` become kinds, and what a kind of layers needs is there, or complained
 * of. `path` is what complaints call the mapping. */
void llm_finish(const struct field_context *context, const struct node *model, const char *path,
                struct llm *llm);

#endif
