/* SPDX-License-Identifier: MIT
 * Work that may crash, in a process of its own: a library that aborts on a file it does not like
 * ends the child, and the parent tells of it in a sentence. */
#ifndef CPSIM_SIM_BASE_CHILD_H
#define CPSIM_SIM_BASE_CHILD_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct child_end {
    int status;       /* what `work` returned; when signal is 0 */
    int signal;       /* that ended it; 0: none did */
    const char *said; /* on stderr, in the arena; at most CHILD_SAID_BYTES of it */
};
enum { CHILD_SAID_BYTES = 64 * 1024 };

struct child_limits {
    size_t seconds; /* of CPU; SIGXCPU ends it then. 0: no limit */
    size_t bytes;   /* of memory, which the sanitizers' builds do not limit. 0: no limit */
};

/* Runs `work` in a copy of this process and waits for its end. The child has stdout in common with
 * the parent, dumps no core and dies with its parent. False, with errno, when the system gives no
 * process or no pipe. */
bool child_run(struct arena *arena, struct child_limits limits, int (*work)(void *context),
               void *context, struct child_end *end);

/* In a child, at once: it shall die when its parent does. `parent` is that one's process. */
void child_die_with(int parent);

/* Whether a signal is what a crash ends with, and no one's wish. */
bool child_crashed(const struct child_end *end);

#endif
