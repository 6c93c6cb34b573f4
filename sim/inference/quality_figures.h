/* SPDX-License-Identifier: MIT
 * What precision does to the quality of a conversation's model, by published laws and tables. */
#ifndef CPSIM_SIM_INFERENCE_QUALITY_FIGURES_H
#define CPSIM_SIM_INFERENCE_QUALITY_FIGURES_H

#include "sim/figures/figure.h"
#include "sim/inference/conversation.h"

enum { QUALITY_FIGURE_COUNT = 12 };
extern const struct figure quality_figures[QUALITY_FIGURE_COUNT]; /* of a conversation_result */

/* As the paper's models are: every product of a layer in int4, and in its table; false: unknown. */
bool quality_int4_accuracy(const struct scenario *scenario, struct int4_accuracy *accuracy);

#endif
