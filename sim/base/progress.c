/* SPDX-License-Identifier: MIT */
#include "sim/base/progress.h"

#include "sim/base/quantity.h"
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
    return terminal_rewrites(stream) ? PROGRESS_REWRITES : PROGRESS_LINES;
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
    double spent = now - progress->started_seconds;
    double left = done > 0.0 ? spent / done - spent : 0.0;
    char line[128];
    snprintf(line, sizeof line, "[%3.0f %%] %s%s%s", 100.0 * done, what, done > 0.0 ? ", " : "",
             done > 0.0 ? quantity_duration(left).text : "");
    if (done > 0.0) {
        strncat(line, " left", sizeof line - strlen(line) - 1);
    }
    progress->shown = progress_rewrite(progress->stream, line, progress->shown);
}

int progress_rewrite(FILE *stream, const char *line, int shown)
{
    int columns = (int)strlen(line), over = shown > columns ? shown - columns : 0;
    fprintf(stream, "\r%s%*s", line, over, "");
    if (columns == 0) {
        fputc('\r', stream);
    }
    fflush(stream);
    return columns;
}

void progress_end(struct progress *progress)
{
    if (progress->shown > 0) {
        progress->shown = progress_rewrite(progress->stream, "", progress->shown);
    }
}
