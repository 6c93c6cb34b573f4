/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/report.h"

#include "sim/base/table.h"

static void add_percent(struct table *table, double share)
{
    table_print_cell(table, "%.1f %%", 100.0 * share);
}

/* Medians and ninth deciles, before and after. */
static void add_errors(struct table *table, const struct error_summary *before,
                       const struct error_summary *after)
{
    add_percent(table, before->median);
    add_percent(table, before->ninth_decile);
    add_percent(table, after->median);
    add_percent(table, after->ninth_decile);
}

static void add_class(struct table *table, const struct calibration_class *class)
{
    table_add(table, class->name);
    table_print_cell(table, "%zu", class->before.count);
    add_errors(table, &class->before, &class->after);
    if (class->fitted_rows > 0 && class->held_after.count > 0) {
        table_print_cell(table, "%zu", class->held_after.count);
        add_errors(table, &class->held_before, &class->held_after);
        return;
    }
    table_add(table, class->fitted_rows == 0 ? "no constant" : "-");
    for (int i = 0; i < 4; i++) {
        table_add(table, "-");
    }
}

void calibration_print(struct text *text, const struct calibration *calibration, size_t width)
{
    static const char *const headings[] = {"class",         "rows",          "median",   "p90",
                                           "after: median", "p90",           "held out", "median",
                                           "p90",           "after: median", "p90"};
    enum { COLUMNS = sizeof headings / sizeof *headings };
    struct table table = table_create(text->arena, COLUMNS);
    table.apart[6] = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        table_add(&table, headings[i]);
    }
    for (size_t i = 0; i < calibration->class_count; i++) {
        add_class(&table, &calibration->classes[i]);
    }
    table_print(&table, width, text);
    text_add(text, "\n");
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        const char *constants = calibration_constants(text->arena, calibration, i, true);
        if (constants[0] != '\0') {
            text_print(text, "%s, %zu rows: %s\n", gpu_fit_groups[i].name,
                       calibration->reports[i].rows, constants);
        }
    }
}
