/* SPDX-License-Identifier: MIT */
#include "sim/inference/conversation_plot.h"

#include "sim/base/fold.h"

void conversation_plot(const struct conversation_result *result, const struct plot *plot)
{
    enum { MOST_ROWS = 16 };
    uint32_t rows = result->phase_count < MOST_ROWS ? result->phase_count : MOST_ROWS;
    fprintf(plot->stream, "%-*s%s\n", FOLD_LABEL, "phases", "over time");
    for (uint32_t i = 0; i < rows; i++) {
        const struct phase_result *phase = &result->phases[i];
        bool prefill = phase->phase == PHASE_PREFILL;
        const struct plot_span span = {.start_seconds = phase->start_seconds,
                                       .end_seconds = phase->start_seconds + phase->seconds,
                                       .mark = prefill ? 'P' : 'D'};
        char label[32];
        snprintf(label, sizeof label, "%s turn %u", prefill ? "prefill" : "decode", phase->turn);
        plot_spans(plot, label, &span, 1, result->seconds);
    }
    plot_seconds(plot, result->seconds);
    if (rows < result->phase_count) {
        fprintf(plot->stream, "%*sand %u more phases\n", FOLD_LABEL, "",
                result->phase_count - rows);
    }
}
