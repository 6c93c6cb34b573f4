/* SPDX-License-Identifier: MIT
 * A conversation's result for people (aligned text) and for machines (JSON; keys in
 * docs/json-output.md). */
#ifndef CPSIM_SIM_INFERENCE_SUMMARY_H
#define CPSIM_SIM_INFERENCE_SUMMARY_H

#include "sim/base/json.h"
#include "sim/inference/conversation.h"
#include "sim/workload/title.h"

#include <stdio.h>

void summary_print(const struct conversation_result *result, struct ink ink, FILE *stream);

/* Its phases with their operators, as members of the object that is open. */
void summary_write_json(const struct conversation_result *result, struct json *json);

#endif
