/* SPDX-License-Identifier: MIT
 * What precision does to the quality of a conversation's model, for people. */
#ifndef CPSIM_SIM_INFERENCE_SUMMARY_QUALITY_H
#define CPSIM_SIM_INFERENCE_SUMMARY_QUALITY_H

#include "sim/inference/conversation.h"

#include <stdio.h>

/* Nothing when the scenario does not say how the model was trained. */
void summary_print_quality(const struct conversation_result *result, FILE *stream);

#endif
