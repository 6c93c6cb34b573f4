/* SPDX-License-Identifier: MIT
 * A file that is there whole or not at all: it is written under a name of its writer's own in the
 * same folder, then renamed. The writer holds a lock on it as long as it lives (flock, which a
 * crash undoes), so whoever finds such a file can tell a writer at work from a dead one's litter,
 * and nobody removes what another is writing. Of several that write one file the last wins, whole.
 */
#ifndef CPSIM_SIM_BASE_PART_FILE_H
#define CPSIM_SIM_BASE_PART_FILE_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>

struct part_file {
    const char *path;      /* where it shall be, links followed */
    const char *part_path; /* where it is: FILE.part, or FILE.NUMBER.part when that is taken */
    int descriptor;        /* open for writing, locked; the file's owner closes it here */
};

enum part_name {
    PART_KNOWN, /* FILE.part, where people look for it; a dead writer's HDF5 file there gives way */
    PART_OWN    /* FILE.NUMBER.part: of what is written at once */
};

/* An empty part file for `path`. False, with errno, when there can be none: no such folder, a file
 * that may not be written. What `diagnostics` knows as an input does not give way. */
bool part_file_create(struct part_file *part, struct arena *arena, const char *path,
                      enum part_name name, const struct diagnostics *diagnostics);

/* Each ends it, once. Renames it to what it shall be; false, with errno, when that fails, and it is
 * gone then. */
bool part_file_keep(struct part_file *part);
void part_file_leave(struct part_file *part);  /* where it is */
void part_file_remove(struct part_file *part); /* unless another's has taken its place */

/* Removes from a folder the part files that nobody holds: of writers that were killed. */
void part_file_clean(const char *folder);

#endif
