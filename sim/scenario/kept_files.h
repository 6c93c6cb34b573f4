/* SPDX-License-Identifier: MIT
 * Files of one kind of run that loads many scenarios alike (a sweep, a plan): each is read and
 * parsed once, so that all of them see what the first saw. Owner of the trees: the kept files;
 * scenarios share their texts and must not outlive them. */
#ifndef CPSIM_SIM_SCENARIO_KEPT_FILES_H
#define CPSIM_SIM_SCENARIO_KEPT_FILES_H

#include "sim/config/yaml_tree.h"

struct kept_files;

struct kept_files *kept_files_create(struct arena *arena);

/* Where trees that are to be kept belong. */
struct arena *kept_files_arena(struct kept_files *files);

/* A copy of the file's tree, NULL when it is not kept. */
struct node *kept_files_copy(const struct kept_files *files, struct arena *arena, const char *path,
                             enum node_origin origin);
/* Keeps a tree that lies in the files' arena. */
void kept_files_add(struct kept_files *files, const char *path, enum node_origin origin,
                    const struct node *tree);

/* Where a file of that name in that folder was found for `asking` (a file, NULL: nobody), NULL when
 * it was not looked for yet. */
const char *kept_files_found(const struct kept_files *files, const char *folder, const char *name,
                             const char *asking);
/* Keeps that; texts are copied. */
void kept_files_add_found(struct kept_files *files, const char *folder, const char *name,
                          const char *asking, const char *path);

#endif
