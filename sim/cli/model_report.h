/* SPDX-License-Identifier: MIT
 * A model in words and in exact numbers: its stack, its parameters, what it keeps of a sequence. */
#ifndef CPSIM_SIM_CLI_MODEL_REPORT_H
#define CPSIM_SIM_CLI_MODEL_REPORT_H

#include "models/architecture/llm.h"
#include "sim/base/text.h"

/* "6.7 G parameters, 32 layers, 512.0 KiB a token", for a line of a list. */
const char *model_remark(struct arena *arena, const struct llm *llm);
/* Lines, each after `start`: what layers there are in which order, what they are made of and keep.
 */
void model_report(struct text *text, const char *start, const struct llm *llm);
/* Members of a JSON object, each after ", ". */
void model_members(struct text *text, const struct llm *llm);

#endif
