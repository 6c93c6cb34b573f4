/* SPDX-License-Identifier: MIT */
#include "sim/training/training_plot.h"

#include "sim/base/arena.h"
#include "sim/base/fold.h"

static const char marks[CELL_KIND_COUNT] = {[CELL_FORWARD] = 'F',
                                            [CELL_BACKWARD] = 'B',
                                            [CELL_WEIGHT] = 'W',
                                            [CELL_WHOLE] = 'B',
                                            [CELL_NONE] = '.'};

void training_plot(const struct training_run *run, const struct plot *plot)
{
    enum { MOST_ROWS = 16 };
    const struct pipeline_play *play = &run->costs.play;
    const struct pipeline_scratch *scratch = &run->scratch.pipeline;
    size_t count = pipeline_cell_count(play->schedule, &play->pipeline);
    uint32_t stages = play->pipeline.stages, every = (stages + MOST_ROWS - 1) / MOST_ROWS;
    struct arena *arena = arena_create();
    struct plot_span *spans = ARENA_ARRAY(arena, struct plot_span, count);
    fprintf(plot->stream, "%-*s%s\n", FOLD_LABEL, "a step",
            play->schedule->splits_backward
                ? "F forward, B backward, W gradients of weights, . idle, exchanges, optimizer"
                : "F forward, B backward, . idle, exchanges and the optimizer");
    for (uint32_t stage = 0; stage < stages; stage += every) {
        for (size_t i = 0; i < count; i++) {
            const struct cell_span *span = &scratch->spans[stage * count + i];
            spans[i] = (struct plot_span){.start_seconds = span->start_seconds,
                                          .end_seconds = span->end_seconds,
                                          .mark = marks[scratch->cells[stage * count + i].kind]};
        }
        char label[32];
        snprintf(label, sizeof label, "stage %u", stage);
        plot_spans(plot, label, spans, count, run->result.seconds);
    }
    plot_seconds(plot, run->result.seconds);
    arena_destroy(arena);
}
