/* SPDX-License-Identifier: MIT
 * From the tree as it was written to the tree that says everything: --set laid over the scenario,
 * lone scalars into the mappings they stand for, `use: NAME` replaced by the file of that name with
 * the other keys laid over it, `preset: NAME` likewise. Defaults come later, from the tables. */
#ifndef CPSIM_SIM_SCENARIO_EXPAND_H
#define CPSIM_SIM_SCENARIO_EXPAND_H

#include "sim/config/field.h"
#include "sim/config/find.h"
#include "sim/scenario/kept_files.h"

struct expansion {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct kept_files *files; /* NULL: every file is read anew */
    bool layout_is_open;      /* as struct scenario's */
};

/* The tree of a file, its sources on its values; NULL after at least one error. */
struct node *expand_read_file(const struct expansion *expansion, const char *path,
                              enum node_origin origin);

/* Turns the lone scalars of a mapping into the mappings that they stand for. */
void expand_shorthands(struct arena *arena, const struct field *fields, struct node *mapping);

/* Unwraps {value: 3 GB, source: "..."} and writes on every value where it says it comes from: its
 * own source, or that of the nearest mapping around it in the same file; `source` is that of the
 * mapping around `node`, NULL: none. */
void expand_sources(const struct expansion *expansion, struct node *node, const char *source);

/* Lays one "key.path=value" over the tree. */
void expand_set(const struct expansion *expansion, const struct field *fields, struct node *root,
                const char *text);
/* Lays a value over the tree at "key.path"; faults are reported at the value's own mark. */
void expand_put(const struct expansion *expansion, const struct field *fields, struct node *root,
                const char *path, struct node *value);

/* Expands every mapping below. `cluster:` goes first, and its `gpu:` and `software:` move up beside
 * it, under what the scenario says of them. */
void expand_scenario(const struct expansion *expansion, const struct field *fields,
                     struct node *root);

/* The file that `use` names under that row: NAME.yaml on the search path, a path, for models also a
 * folder that holds a config.json. NULL after an error. */
const char *expand_find_file(const struct expansion *expansion, const struct field *field,
                             const struct node *use);

/* One data file, read and expanded as `use: PATH` under that row would be. NULL after an error. */
struct node *expand_data_file(const struct expansion *expansion, const struct field *field,
                              const char *path);

#endif
