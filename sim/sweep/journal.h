/* SPDX-License-Identifier: MIT
 * The journal of a sweep, or of one shard of it: a file that only grows. Each record is framed,
 * checksummed and written at once; a reader passes over what a killed or crashed writer left torn,
 * so nothing is ever locked, truncated or rewritten. One writer a file. */
#ifndef CPSIM_SIM_SWEEP_JOURNAL_H
#define CPSIM_SIM_SWEEP_JOURNAL_H

#include "sim/base/diagnostics.h"
#include "sim/sweep/record.h"

struct journal;

/* "FOLDER/points-2-of-4.journal". */
const char *journal_path(struct arena *arena, const char *folder, uint32_t shard, uint32_t shards);

/* Opens the file for appending, begun with `sweep` when it is new. NULL after an error on
 * `diagnostics`. */
struct journal *journal_open(struct arena *arena, const char *path,
                             const struct sweep_record *sweep, struct diagnostics *diagnostics);
/* Appends a point_record's bytes. False when the disk refuses; `diagnostics` of journal_open() says
 * why. */
bool journal_append(struct journal *journal, const char *bytes, size_t size);
/* Has the system put on the disk what has been appended: for a loss of power, not of the process.
 */
bool journal_sync(struct journal *journal);
bool journal_close(struct journal *journal); /* synced */

/* What all journals of a folder hold, in one. */
struct journal_contents {
    struct sweep_record sweep;    /* point_count 0: there is no journal */
    const char *sweep_path;       /* the journal that it was read from */
    struct point_record **points; /* [sweep.point_count]; NULL: not run yet */
    uint64_t done, rejected, failed;
};

/* Reads every *.journal of the folder, in the order of their names; of two records of a point a
 * done one wins, then the later. False after an error: they are of different sweeps. */
bool journal_read_all(struct arena *arena, const char *folder, struct journal_contents *contents,
                      struct diagnostics *diagnostics);

/* The same of a folder that holds nothing yet, or journals that begin with `sweep` as this very
 * program would write it: `contents` is ready to be added to. False after an error that calls it a
 * `noun` ("sweep"). */
bool journal_read_same(struct arena *arena, const char *folder, const struct sweep_record *sweep,
                       const char *noun, struct journal_contents *contents,
                       struct diagnostics *diagnostics);

/* Takes one more record, as journal_read_all() would. */
void journal_contents_add(struct journal_contents *contents, struct point_record *record);

#endif
