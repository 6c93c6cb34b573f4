/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/report.h"

/* Median and ninth decile. */
static void print_errors(struct text *text, const struct error_summary *summary)
{
    text_print(text, " %6.1f %% %6.1f %%", 100.0 * summary->median, 100.0 * summary->ninth_decile);
}

static void print_class(struct text *text, const struct calibration_class *class)
{
    text_print(text, "%-38s %5zu", class->name, class->before.count);
    print_errors(text, &class->before);
    print_errors(text, &class->after);
    if (class->fitted_rows == 0) {
        text_add(text, "      no constant was fitted on it");
    } else if (class->held_after.count > 0) {
        text_print(text, " %5zu", class->held_after.count);
        print_errors(text, &class->held_before);
        print_errors(text, &class->held_after);
    }
    text_add(text, "\n");
}

void calibration_print(struct text *text, const struct calibration *calibration)
{
    text_print(text, "%-38s %5s %17s %17s %23s %17s\n", "", "", "before", "after",
               "held out: before", "after");
    text_print(text, "%-38s %5s %8s %8s %8s %8s %5s %8s %8s %8s %8s\n", "class", "rows", "median",
               "p90", "median", "p90", "rows", "median", "p90", "median", "p90");
    for (size_t i = 0; i < calibration->class_count; i++) {
        print_class(text, &calibration->classes[i]);
    }
    text_add(text, "\n");
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        const char *constants = calibration_constants(text->arena, calibration, i, true);
        if (constants[0] != '\0') {
            text_print(text, "%s, %zu rows: %s\n", gpu_fit_groups[i].name,
                       calibration->reports[i].rows, constants);
        }
    }
}
