/* SPDX-License-Identifier: MIT
 * Where files of models and platforms are looked for: beside the scenario, on CPSIM_PATH, in the
 * source tree when the program runs from its build, in the installed share directory. */
#ifndef CPSIM_SIM_CONFIG_FIND_H
#define CPSIM_SIM_CONFIG_FIND_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct find_root {
    const char *directory;
    bool bare; /* NAME.yaml may lie in the directory itself, not only in its models/llm, ... */
};

struct find_path {
    struct find_root *roots; /* [count], in the arena */
    size_t count, capacity;
};

/* The search path of what `file` names; NULL: of what the command line names. */
struct find_path find_path(struct arena *arena, const char *file);

/* The path of NAME.yaml of a folder ("platforms/gpus"), NULL when there is none. */
const char *find_named(struct arena *arena, const struct find_path *path, const char *folder,
                       const char *name, const char *asking_file);

struct found_file {
    const char *name, *path;
};

/* A file that the command line gives, in the working directory or among those that came with the
 * program: "a.yaml" itself when it is there, else below a root or in one of its `folders` (ended by
 * NULL), with ".yaml" or without. A path from the root or with a dot before it is only itself.
 * `given` when there is none. */
const char *find_given(struct arena *arena, const struct find_path *path,
                       const char *const *folders, const char *given);

/* Every NAME.yaml that a folder has on the path, in the order of their names; the first root wins.
 * Returns their number. */
size_t find_all(struct arena *arena, const struct find_path *path, const char *folder,
                struct found_file **files);

/* "b.yaml" or "./b.yaml" beside "scenarios/a.yaml" -> "scenarios/b.yaml". */
const char *file_beside(struct arena *arena, const char *path, const char *name);
/* "platforms/gpus/h100-sxm.yaml" -> "h100-sxm". */
const char *file_stem(struct arena *arena, const char *path);
/* "platforms/gpus/h100-sxm.yaml" -> "h100-sxm.yaml". */
const char *file_name(const char *path);
/* "scenarios/a.yaml" -> "scenarios"; "a.yaml" -> ".". */
const char *file_directory(struct arena *arena, const char *path);

#endif
