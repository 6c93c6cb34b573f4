/* SPDX-License-Identifier: MIT */
#include "sim/base/progress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct progress progress_start(FILE *stream, bool quiet)
{
    const char *terminal = getenv("TERM");
    bool rewrites = isatty(fileno(stream)) && terminal != NULL && strcmp(terminal, "dumb") != 0;
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
