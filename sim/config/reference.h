/* SPDX-License-Identifier: MIT
 * The field tables as documentation: help on one key, the tree of keys, the reference page, the
 * words that a shell may complete. */
#ifndef CPSIM_SIM_CONFIG_REFERENCE_H
#define CPSIM_SIM_CONFIG_REFERENCE_H

#include "sim/base/text.h"
#include "sim/config/field.h"

/* Help on "layout.tensor"; false when there is no such key, then `nearest` may be one (or NULL). */
bool reference_describe(struct text *text, const struct field *fields, const char *path,
                        const char **nearest);
/* One line a key, indented. */
void reference_tree(struct text *text, const struct field *fields);
/* docs/scenario-reference.md. */
void reference_markdown(struct text *text, const struct field *fields);

/* The part of that page on another kind of file: a heading, what it is, its keys. */
void reference_file_markdown(struct text *text, const char *heading, const char *doc,
                             const struct field *fields);

/* "a time, 0 to 1 s": what a key may be, for tables. */
const char *reference_values(struct arena *arena, const struct field *field);

/* Calls `visit` with the dotted path of every key, tables of data files included. */
typedef void reference_visit(void *state, const char *path, const struct field *field);
void reference_walk(struct arena *arena, const struct field *fields, reference_visit *visit,
                    void *state);

#endif
