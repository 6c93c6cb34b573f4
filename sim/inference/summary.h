/* SPDX-License-Identifier: MIT
 * A conversation's result for people (aligned text) and for machines (JSON; keys in
 * docs/json-output.md). */
#ifndef CPSIM_SIM_INFERENCE_SUMMARY_H
#define CPSIM_SIM_INFERENCE_SUMMARY_H

#include "sim/inference/conversation.h"
#include "sim/workload/title.h"

#include <stdio.h>

void summary_print(const struct conversation_result *result, struct ink ink, FILE *stream);

void summary_print_json(const struct conversation_result *result, FILE *stream);

#endif
