/* SPDX-License-Identifier: MIT */
#include "sim/base/progress.h"

#include "sim/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum progress_style progress_style(FILE *stream)
{
    const char *wanted = getenv("CPSIM_PROGRESS");
    if (wanted != NULL && strcmp(wanted, "never") == 0) {
        return PROGRESS_NONE;
    }
    return terminal_takes_escapes(stream) ? PROGRESS_REWRITES : PROGRESS_LINES;
}

struct progress progress_start(FILE *stream, bool quiet)
{
    bool rewrites = progress_style(stream) == PROGRESS_REWRITES;
    return (struct progress){.stream = quiet || !rewrites ? NULL : stream,
                             .started_seconds = wall_seconds()};
}

void progress_update(struct progress *progress, double done, const char *what)
{
    const double first_seconds = 1.0, next_seconds = 0.2;
    if (progress->stream == NULL) {
        return;
    }
    double now = wall_seconds();
    if (now - progress->started_seconds < first_seconds ||
        now - progress->printed_seconds < next_seconds) {
        return;
    }
    progress->printed_seconds = now;
    progress->shown = true;
    double spent = now - progress->started_seconds;
    double left = done > 0.0 ? spent / done - spent : 0.0;
    fprintf(progress->stream, "\r[%3.0f %%] %s, %.0f s left\x1b[K", 100.0 * done, what, left);
    fflush(progress->stream);
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\x1b[K", progress->stream);
        fflush(progress->stream);
        progress->shown = false;
    }
}
