/* SPDX-License-Identifier: MIT
 * A key of a training scenario that a search may turn: where its value lies in struct scenario, so
 * that a candidate is the base scenario with a few numbers changed and no file is read again. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LEVER_H
#define CPSIM_SIM_PLAN_LAYOUTS_LEVER_H

#include "sim/config/field.h"
#include "sim/scenario/scenario.h"

struct lever {
    const char *key; /* "layout.tensor" */
    const struct field *field;
    size_t offset; /* in struct scenario */
};

/* False when the key is none of layout's or of a training workload's, or no count, choice or
 * yes-or-no. */
bool lever_find(const char *key, struct lever *lever);

/* A choice's or a truth's number is what the struct holds. */
uint32_t lever_get(const struct lever *lever, const struct scenario *scenario);
void lever_set(const struct lever *lever, struct scenario *scenario, uint32_t value);

/* A value as a file writes it. False after an error. */
bool lever_read(const struct lever *lever, const struct field_context *context, struct node *node,
                uint32_t *value);
/* The number of a choice by its name, which must be one. */
uint32_t lever_choice(const struct lever *lever, const char *name);
/* As one would write it: "8", "interleaved", "true". */
const char *lever_text(const struct lever *lever, uint32_t value, struct arena *arena);

#endif
