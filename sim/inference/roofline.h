/* SPDX-License-Identifier: MIT
 * Why a phase takes as long as it does: each operator's share of a step, what bounds it, and how
 * near it comes to that bound. Of rank 0 in the phase's first step. */
#ifndef CPSIM_SIM_INFERENCE_ROOFLINE_H
#define CPSIM_SIM_INFERENCE_ROOFLINE_H

#include "sim/base/text.h"
#include "sim/inference/conversation.h"

#include <stdio.h>

struct roofline_row {
    const struct operator_total *total; /* NULL: waits for other ranks */
    double calls;                       /* in the step */
    double seconds;                     /* of the step, that belong to it */
    double hidden_seconds;              /* that it ran beside computation */
    double flops_per_second, bytes_per_second;
    double peak_share; /* of what bounds it; 0: launches or the host do */
};

struct roofline {
    struct roofline_row *rows; /* [row_count], the longest first */
    size_t row_count;
    double step_seconds;
    double bound_seconds[BOUND_NETWORK + 1];
    double wait_seconds; /* for other ranks */
};

struct roofline roofline_of_phase(const struct scenario *scenario, const struct phase_result *phase,
                                  struct arena *arena);

/* All phases of a conversation, tables of at most `width` columns. */
void roofline_print(const struct scenario *scenario, const struct conversation_result *result,
                    size_t width, struct text *text);
void roofline_print_json(const struct scenario *scenario, const struct conversation_result *result,
                         struct arena *arena, FILE *stream);

#endif
