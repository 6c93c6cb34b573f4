/* SPDX-License-Identifier: MIT
 * A resolved tree written out again: as YAML that reads back as the same scenario, or as JSON. */
#ifndef CPSIM_SIM_CONFIG_DUMP_H
#define CPSIM_SIM_CONFIG_DUMP_H

#include "sim/config/field.h"

enum dump_style {
    DUMP_PLAIN,  /* values alone: nothing in it depends on where files lie */
    DUMP_ORIGINS /* with a comment on every line: where the value came from */
};

/* In the order of the tables. The text belongs to the arena. */
const char *dump_yaml(struct arena *arena, const struct field *fields, const struct node *root,
                      enum dump_style style);

/* A tree of any keys, in the order that it has. */
const char *dump_tree(struct arena *arena, const struct node *root);

/* [{"key": "layout.tensor", "value": "8", "origin": "a.yaml:9", "source": ...}, ...] */
const char *dump_json(struct arena *arena, const struct field *fields, const struct node *root);

#endif
