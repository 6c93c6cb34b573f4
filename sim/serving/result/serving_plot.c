/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/serving_plot.h"

#include <math.h>

/* Adds to each slice the share of it that lies between the two times. */
static void add(double *slices, size_t width, double slice, double from, double to)
{
    for (size_t x = (size_t)fmax(0.0, from / slice); x < width && (double)x * slice < to; x++) {
        double start = fmax(from, (double)x * slice), end = fmin(to, (double)(x + 1) * slice);
        slices[x] += fmax(0.0, end - start) / slice;
    }
}

void serving_plot(const struct serving_run *run, const struct plot *plot)
{
    size_t width = plot_width(plot), count = run->requests.count, measured = 0;
    if (run->fold != NULL) {
        fprintf(plot->stream,
                "requests        not drawn: a run of more than a million does not keep "
                "them\n");
        return;
    }
    double *waiting = ARENA_ARRAY(run->arena, double, width);
    double *generating = ARENA_ARRAY(run->arena, double, width);
    double *ttft = ARENA_ARRAY(run->arena, double, count + 1);
    double slice = run->end_seconds / (double)width;
    for (size_t i = 0; i < count && slice > 0.0; i++) {
        const struct request *request = &run->requests.all[i];
        if (request->state != REQUEST_DONE) {
            continue;
        }
        add(waiting, width, slice, request->arrival_seconds, request->first_token_seconds);
        add(generating, width, slice, request->first_token_seconds, request->last_token_seconds);
        if (request->arrival_seconds >= run->serving->warm_up_seconds) {
            ttft[measured++] = request->first_token_seconds - request->arrival_seconds;
        }
    }
    plot_stack(plot, "requests", "at once: # generate, : wait for their first token", generating,
               waiting, run->end_seconds);
    plot_histogram(plot, "TTFT", "of how many requests", ttft, measured);
}
