/* SPDX-License-Identifier: MIT
 * scenario_load() with the tree kept, for commands that show where values came from, and the same
 * for one data file, and for files of other kinds. */
#ifndef CPSIM_SIM_SCENARIO_LOAD_H
#define CPSIM_SIM_SCENARIO_LOAD_H

#include "sim/config/field.h"
#include "sim/scenario/kept_files.h"
#include "sim/scenario/scenario.h"

struct resolved_scenario {
    const struct scenario *scenario;
    const struct node *tree; /* every value, the defaults among them */
};

/* False after at least one error. */
bool scenario_resolve(struct arena *arena, const char *path, const struct override *overrides,
                      size_t override_count, struct diagnostics *diagnostics,
                      struct resolved_scenario *resolved);
/* The same of a training run whose layout is to be chosen: whether its own fits the memory is not
 * asked. */
bool scenario_resolve_open(struct arena *arena, const char *path, const struct override *overrides,
                           size_t override_count, struct diagnostics *diagnostics,
                           struct resolved_scenario *resolved);

/* scenario_load() of one of many, with what they share read once; `files` outlive the scenario. */
const struct scenario *scenario_load_kept(struct kept_files *files, struct arena *arena,
                                          const char *path, const struct override *overrides,
                                          size_t override_count, struct diagnostics *diagnostics);

/* The whole scenario as it was understood, for traces; it reads back as itself. */
const char *scenario_yaml(struct arena *arena, const struct scenario *scenario);

/* A scenario that is in no file: `text` is its YAML, `name` what complaints call it. NULL after at
 * least one error. */
const struct scenario *scenario_of_text(struct arena *arena, const char *name, const char *text,
                                        struct diagnostics *diagnostics);

/* The tree of a scenario whose values are each as their rows want them; whether they go together
 * (does the layout fit the cluster?) is not asked. NULL after at least one error. */
const struct node *scenario_read_values(struct arena *arena, const char *path,
                                        const struct override *overrides, size_t override_count,
                                        struct diagnostics *diagnostics);

/* A scenario file that says no more than which one it uses, its title and what overrides change. */
const char *scenario_difference(struct arena *arena, const char *base, const char *title,
                                const struct override *overrides, size_t override_count,
                                struct diagnostics *diagnostics);

/* Reads a file of models/ or platforms/ into `object` by the row of the scenario that may name it
 * ("model", "gpu", "cluster", "software", "software.collectives"). Its tree, or NULL after at least
 * one error. */
const struct node *data_file_load(struct arena *arena, const char *key, const char *path,
                                  void *object, struct diagnostics *diagnostics);

/* The path of the file that the command line names so, as `use` would in a scenario: a name, a
 * path, for models a folder with a config.json. NULL after an error. */
const char *data_file_find(struct arena *arena, const char *key, const char *name,
                           struct diagnostics *diagnostics);

/* The same under --set: an override's path begins with `key`, as in a scenario. */
const struct node *data_file_resolve(struct arena *arena, const char *key, const char *path,
                                     const struct override *overrides, size_t override_count,
                                     void *object, struct diagnostics *diagnostics);

/* Reads a file that is neither (a sweep, a plan) into `object` by its table; what is wrong with its
 * values is on `diagnostics`. Its tree, or NULL when there is none. */
struct node *file_read_values(struct arena *arena, const char *path, const struct field *fields,
                              void *object, struct diagnostics *diagnostics);

#endif
