/* SPDX-License-Identifier: MIT
 * One line on a terminal, written over without escapes, for what lasts over a second; silence
 * everywhere else (pipes, files, TERM=dumb, CPSIM_PROGRESS=never, --quiet). Wall time only decides
 * when to print: nothing of it reaches a result. */
#ifndef CPSIM_SIM_BASE_PROGRESS_H
#define CPSIM_SIM_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

struct progress {
    FILE *stream; /* NULL: silent */
    double started_seconds, printed_seconds;
    int shown; /* columns that the line took; 0: there is none */
};

/* How a stream may tell of progress: not at all (CPSIM_PROGRESS=never), by a new line now and then,
 * or, on a terminal, by one line that is written over. */
enum progress_style { PROGRESS_NONE, PROGRESS_LINES, PROGRESS_REWRITES };
enum progress_style progress_style(FILE *stream);

/* On `stream` when it is a terminal that can rewrite a line and `quiet` is false. */
struct progress progress_start(FILE *stream, bool quiet);

/* `done` of 1, doing `what`. Cheap: prints at most five times a second, first after one second. */
void progress_update(struct progress *progress, double done, const char *what);

/* Takes the line away. */
void progress_end(struct progress *progress);

/* Writes `line` over the last one, of `shown` columns, and returns its own. "": takes it away. */
int progress_rewrite(FILE *stream, const char *line, int shown);

/* Of a clock that only goes forward. */
double wall_seconds(void);

#endif
