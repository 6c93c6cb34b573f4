/* SPDX-License-Identifier: MIT
 * The field tables as documentation: help on one key, the tree of keys, the reference page, the
 * words that a shell may complete. */
#ifndef CPSIM_SIM_CONFIG_REFERENCE_H
#define CPSIM_SIM_CONFIG_REFERENCE_H

#include "sim/base/text.h"
#include "sim/config/field.h"

/* What is said in words is broken at `width` columns. */

/* Help on "layout.tensor"; false when there is no such key, then `nearest` may be one (or NULL). */
bool reference_describe(struct text *text, const struct field *fields, const char *path,
                        size_t width, const char **nearest);
/* One line a key, indented. */
void reference_tree(struct text *text, const struct field *fields, size_t width);
/* docs/scenario-reference.md. */
void reference_markdown(struct text *text, const struct field *fields);

/* The part of that page on another kind of file: a heading, what it is, its keys. */
void reference_file_markdown(struct text *text, const char *heading, const char *doc,
                             const struct field *fields);

/* The key that someone means who says `word` in the mapping at `path`, whose table is `fields`: one
 * of them, or the path of one elsewhere in the file. NULL: none. */
const char *reference_meant(const struct field_context *context, const struct field *fields,
                            const char *path, const char *word);

/* The kind that has the key, where the mapping at `path` has one of several; NULL: none. */
const char *reference_kind_of(const struct field_context *context, const char *path,
                              const char *key);

/* The path of the key that others call so; NULL: none. */
const char *alias_path(const struct alias *aliases, const char *word);

/* The keys whose name, aliases, choices or doc speak of a word, a line each; their number. */
size_t reference_search(struct text *text, const struct field *fields, const struct alias *aliases,
                        const char *word, size_t width);

/* "a time, 0 to 1 s": what a key may be, for tables. */
const char *reference_values(struct arena *arena, const struct field *field);

/* Calls `visit` with the dotted path of every key, tables of data files included. */
typedef void reference_visit(void *state, const char *path, const struct field *field);
void reference_walk(struct arena *arena, const struct field *fields, reference_visit *visit,
                    void *state);

#endif
