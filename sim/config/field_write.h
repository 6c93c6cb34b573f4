/* SPDX-License-Identifier: MIT
 * The way back: a struct that has been filled, by its table, as the tree that would fill it. */
#ifndef CPSIM_SIM_CONFIG_FIELD_WRITE_H
#define CPSIM_SIM_CONFIG_FIELD_WRITE_H

#include "sim/config/field.h"

/* The value of one row as a node; of a mapping the keys that are not 0. Counts, tokens, booleans,
 * choices and mappings of these alone; NULL: 0, false, the choice of value 0, an empty mapping. */
struct node *field_write(struct arena *arena, const struct field *field, const void *object,
                         struct mark mark);

/* Whether two objects have the same value there. */
bool field_same(const struct field *field, const void *left, const void *right);

#endif
