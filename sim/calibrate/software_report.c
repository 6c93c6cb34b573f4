/* SPDX-License-Identifier: MIT
 * A calibrated engine, for people and as the text of a file of platforms/software/. */
#include "sim/calibrate/software_calibration.h"

#include "sim/config/units.h"
#include "sim/scenario/tables.h"

#include <string.h>

static void print_value(struct arena *arena, struct text *text, const char *key, double value)
{
    char digits[64];
    const struct field *field =
        field_find_path(scenario_fields, arena_printf(arena, "software.%s", key));
    quantity_print(digits, sizeof digits, value, field_quantity(field->kind));
    text_add(text, digits);
}

/* --- the report --- */

static void print_errors(struct text *text, const struct error_summary *summary, size_t count)
{
    if (count == 0) {
        text_print(text, " %8s", "-");
    } else {
        text_print(text, " %6.1f %%", 100.0 * summary->median);
    }
}

static void print_class(struct text *text, const struct fitted_class *class)
{
    if (class->used + class->held == 0) {
        return;
    }
    text_print(text, "%-52s %5zu", class->name, class->used);
    print_errors(text, &class->before, class->used);
    print_errors(text, &class->after, class->used);
    text_print(text, " %5zu", class->held);
    print_errors(text, &class->held_before, class->held);
    print_errors(text, &class->held_after, class->held);
    text_add(text, "\n");
}

static void print_constant(struct text *text, const struct fitted_constant *constant)
{
    static const char *const units[EVIDENCE_COUNT] = {
        [EVIDENCE_SCHEDULER] = "row", [EVIDENCE_STEPS] = "row", [EVIDENCE_REQUESTS] = "case"};
    const char *key = constant->constant->key;
    const char *unit = units[constant->constant->evidence];
    text_print(text, "%-24s ", key);
    print_value(text->arena, text, key, constant->before);
    switch (constant->end) {
    case FIT_MOVED:
        text_add(text, " -> ");
        print_value(text->arena, text, key, constant->after);
        text_print(text, ", shown by %zu %s%s\n", constant->shown_by, unit,
                   constant->shown_by == 1 ? "" : "s");
        break;
    case FIT_STAYED:
        text_print(text, " stays: what was held out gets no better\n");
        break;
    case FIT_NOT_SHOWN:
        text_print(text, " stays: %zu %ss show it\n", constant->shown_by, unit);
        break;
    case FIT_ZERO:
        text_add(text, " stays: the software has none of it\n");
        break;
    }
}

void software_calibration_print(struct text *text, const struct software_calibration *calibration)
{
    size_t left_out = 0;
    text_print(text, "%-52s %5s %17s %5s %17s\n", "median error", "used", "before    after", "held",
               "before    after");
    for (size_t i = 0; i < calibration->class_count; i++) {
        print_class(text, &calibration->classes[i]);
        left_out += calibration->classes[i].left_out;
    }
    if (left_out > 0) {
        text_print(text,
                   "%zu rows are not used: strays, and steps that the engine's loop launches "
                   "itself with those\nbefore them, which say nothing of a step alone\n",
                   left_out);
    }
    text_add(text, "\n");
    for (size_t i = 0; i < calibration->constant_count; i++) {
        print_constant(text, &calibration->constants[i]);
    }
}

/* --- the file --- */

/* "loop." of "loop.schedule"; "" of "request". */
static size_t group_length(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot == NULL ? 0 : (size_t)(dot - key);
}

static void print_entry(struct text *text, const struct software_calibration *calibration,
                        const struct fitted_constant *constant)
{
    const char *key = constant->constant->key;
    size_t group = group_length(key);
    text_print(text, "%s%s: {value: ", group > 0 ? "  " : "", key + group + (group > 0));
    print_value(text->arena, text, key, constant->after);
    text_add(text, ", source: ");
    text_quote(text,
               arena_printf(text->arena, "fitted on %s, %zu %s%s", calibration->files,
                            constant->shown_by,
                            constant->constant->evidence == EVIDENCE_REQUESTS ? "case" : "row",
                            constant->shown_by == 1 ? "" : "s"));
    text_add(text, "}\n");
}

void software_file_print(struct text *text, const struct software_calibration *calibration)
{
    text_print(text, "schema: 1\nuse: %s\ntitle: ", calibration->base);
    text_quote(text, arena_printf(text->arena, "%s on hosts of our own", calibration->base));
    text_add(text, "\n");
    const char *open = "";
    for (size_t i = 0; i < calibration->constant_count; i++) {
        const struct fitted_constant *constant = &calibration->constants[i];
        const char *key = constant->constant->key;
        size_t group = group_length(key);
        if (constant->end != FIT_MOVED) {
            continue;
        }
        if (group > 0 && (strlen(open) != group || strncmp(open, key, group) != 0)) {
            open = arena_printf(text->arena, "%.*s", (int)group, key);
            text_print(text, "%s:\n", open);
        }
        print_entry(text, calibration, constant);
    }
}
