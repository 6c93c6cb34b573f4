/* SPDX-License-Identifier: MIT
 * Runs a sweep, or a shard of it, in a folder: the points that the folder's journals lack, each in
 * a process of its own; then, when none is missing, writes the results. The same command again goes
 * on where the last one was stopped, and ends with the same bytes. */
#ifndef CPSIM_SIM_SWEEP_SWEEP_H
#define CPSIM_SIM_SWEEP_SWEEP_H

#include "sim/sweep/journal.h"
#include "sim/sweep/points.h"

#include <stdio.h>

/* Where a sweep stands, for a line of progress. */
struct sweep_progress {
    uint64_t total, already;         /* points of this shard; those that earlier runs had done */
    uint64_t done, rejected, failed; /* by this run */
    double seconds;                  /* since it began */
};

struct sweep_job {
    const struct sweep_file *file;
    const struct points *points;
    const char *text;   /* of the sweep file */
    const char *folder; /* made when it is not there */
    uint32_t shard, shards;
    unsigned workers;
    bool retry_failed;
    /* Called a few times a second, and once at the end; NULL: not. */
    void (*report)(void *context, const struct sweep_progress *progress);
    void *context;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

enum sweep_end {
    SWEEP_WHOLE,       /* every point of the sweep has a record; the results are written */
    SWEEP_SHARD,       /* every point of the shard has one; others do not */
    SWEEP_INTERRUPTED, /* by SIGINT or SIGTERM */
    SWEEP_BROKEN       /* an error */
};

/* `contents` gets what all journals of the folder hold at the end. */
enum sweep_end sweep_run(const struct sweep_job *job, struct journal_contents *contents);

/* Writes the results of a folder whose journals are whole, or, when `partial`, of what they hold.
 * False after an error, such as points missing. */
bool sweep_merge(struct arena *arena, const char *folder, bool partial,
                 struct journal_contents *contents, struct diagnostics *diagnostics);

#endif
