/* SPDX-License-Identifier: MIT */
#ifndef CPSIM_SIM_INFERENCE_CONVERSATION_PLOT_H
#define CPSIM_SIM_INFERENCE_CONVERSATION_PLOT_H

#include "sim/base/plot.h"
#include "sim/inference/conversation.h"

/* Its phases over time, a row each; of many turns, the first ones. */
void conversation_plot(const struct conversation_result *result, const struct plot *plot);

#endif
