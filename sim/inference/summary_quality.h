/* SPDX-License-Identifier: MIT
 * What a precision costs in quality, for people and in JSON; see models/laws/quality_law.h. */
#ifndef CPSIM_SIM_INFERENCE_SUMMARY_QUALITY_H
#define CPSIM_SIM_INFERENCE_SUMMARY_QUALITY_H

#include "sim/base/json.h"
#include "sim/inference/conversation.h"

#include <stdio.h>

/* Nothing when the scenario has no `quality:`. */
void summary_print_quality(const struct scenario *scenario,
                           const struct conversation_result *result, FILE *stream);
void summary_write_quality(const struct scenario *scenario,
                           const struct conversation_result *result, struct json *json);

#endif
