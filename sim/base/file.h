/* SPDX-License-Identifier: MIT
 * A file that a user names, read whole. A path can lead anywhere: a directory, a device that never
 * ends, a pipe that nobody writes to; each is an error in a sentence, at once. */
#ifndef CPSIM_SIM_BASE_FILE_H
#define CPSIM_SIM_BASE_FILE_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>

/* The bytes of a regular file or a pipe, with a NUL behind the last, in the arena; their number in
 * `*size` unless it is NULL. NULL after an error: it cannot be read, or holds more than `most`
 * bytes. `expected` says what it should have been: "a YAML file". A pipe without a writer is empty.
 */
char *file_read(struct arena *arena, const char *path, size_t most, const char *expected,
                size_t *size, struct diagnostics *diagnostics);

/* Whether there is a regular file: one that can be read more than once, and ends. */
bool file_is_regular(const char *path);

/* The path from the root, links followed; as it was given where that cannot be found out. */
const char *file_absolute(struct arena *arena, const char *path);

/* What is wrong with a path that a library shall open, as the end of a sentence ("cannot be read:
 * ..."); NULL when it is a regular file. */
const char *file_fault(const char *path);

#endif
