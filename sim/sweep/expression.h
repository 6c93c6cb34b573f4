/* SPDX-License-Identifier: MIT
 * Constraints of a sweep: `layout.tensor * layout.context <= gpus and precision != "bf16"`. Numbers
 * (with a unit: `80 GB` counts in bytes), texts in quotes, true and false, names of keys; + - * /
 * %,
 * == != < <= > >=, and or not, parentheses, min(a, b) max(a, b) floor(a) ceil(a) log2(a). Pure:
 * names are bound and valued by the caller. Owner of everything: the arena. */
#ifndef CPSIM_SIM_SWEEP_EXPRESSION_H
#define CPSIM_SIM_SWEEP_EXPRESSION_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum expression_type { EXPRESSION_NUMBER, EXPRESSION_TEXT, EXPRESSION_TRUTH };

struct expression_value {
    enum expression_type type;
    double number; /* of a truth: 0 or 1 */
    const char *text;
};

struct expression;

/* NULL after an error at `mark`. */
struct expression *expression_parse(struct arena *arena, const char *text, struct mark mark,
                                    struct diagnostics *diagnostics);

const char *expression_text(const struct expression *expression);

/* The names in it, each once. */
size_t expression_name_count(const struct expression *expression);
const char *expression_name(const struct expression *expression, size_t index);

/* Whether names of these types make it true or false; an error when not. */
bool expression_check(const struct expression *expression, const enum expression_type *types,
                      struct diagnostics *diagnostics);

/* True or false for these values of its names. A comparison with what is no number (1 / 0 - 1 / 0)
 * is false. Call after expression_check(). */
bool expression_holds(const struct expression *expression, const struct expression_value *values);

#endif
