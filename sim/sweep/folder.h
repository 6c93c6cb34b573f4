/* SPDX-License-Identifier: MIT
 * The folder of a sweep or a plan, and who is at work in it: a journal has one writer. The lock is
 * a file beside the journal that its owner has locked (flock) and written its name into; a crash
 * frees it. Shards of one sweep have journals, and locks, of their own. */
#ifndef CPSIM_SIM_SWEEP_FOLDER_H
#define CPSIM_SIM_SWEEP_FOLDER_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>

struct folder_lock {
    const char *path; /* "FOLDER/points-0-of-1.lock" */
    int descriptor;   /* negative: the file system knows no locks */
};

/* Makes the folder unless it is there. False after an error. */
bool folder_make(const char *path, struct diagnostics *diagnostics);

/* For the writer of `journal`. False after an error: another process is at work, and the error says
 * which. */
bool folder_lock(struct folder_lock *lock, struct arena *arena, const char *folder,
                 const char *journal, struct diagnostics *diagnostics);
void folder_unlock(struct folder_lock *lock);

#endif
