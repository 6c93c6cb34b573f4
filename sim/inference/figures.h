/* SPDX-License-Identifier: MIT
 * The figures of a conversation, and of each of its phases. */
#ifndef CPSIM_SIM_INFERENCE_FIGURES_H
#define CPSIM_SIM_INFERENCE_FIGURES_H

#include "sim/figures/figure.h"
#include "sim/inference/conversation.h"

enum conversation_table {
    CONVERSATION_PREFILL, /* of a struct phase_result; the first is its latency */
    CONVERSATION_DECODE,  /* likewise */
    CONVERSATION_PHASE,   /* of either */
    CONVERSATION_RUN,     /* of a struct conversation_result */
    CONVERSATION_QUALITY, /* of one whose scenario says how the model was trained */
    CONVERSATION_TABLE_COUNT
};
extern const struct figure_table conversation_tables[CONVERSATION_TABLE_COUNT + 1];

/* Those of the first turn have plain names (`ttft_seconds`). */
void conversation_figures(const struct conversation_result *result, bool former,
                          struct metric_list *figures);

#endif
