/* SPDX-License-Identifier: MIT
 * One rewritten line on a terminal for what lasts over a second; silence everywhere else (pipes,
 * files, TERM=dumb, NO_COLOR, CPSIM_PROGRESS=never, --quiet). Wall time only decides when to print:
 * nothing of it reaches a result. */
#ifndef CPSIM_SIM_BASE_PROGRESS_H
#define CPSIM_SIM_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

struct progress {
    FILE *stream; /* NULL: silent */
    double started_seconds, printed_seconds;
    bool shown;
};

/* How a stream may tell of progress: not at all (CPSIM_PROGRESS=never), by a new line now and then,
 * or, on a terminal that takes escapes, by one line that is written over. */
enum progress_style { PROGRESS_NONE, PROGRESS_LINES, PROGRESS_REWRITES };
enum progress_style progress_style(FILE *stream);

/* On `stream` when it is a terminal that can rewrite a line and `quiet` is false. */
struct progress progress_start(FILE *stream, bool quiet);

/* `done` of 1, doing `what`. Cheap: prints at most five times a second, first after one second. */
void progress_update(struct progress *progress, double done, const char *what);

/* Takes the line away. */
void progress_end(struct progress *progress);

/* Of a clock that only goes forward. */
double wall_seconds(void);

#endif
