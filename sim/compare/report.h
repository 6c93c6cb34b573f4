/* SPDX-License-Identifier: MIT
 * A comparison for people, for programs (JSON) and as a table of all rows (CSV); and the kinds of
 * measurement there are. Columns: docs/calibrate.md. */
#ifndef CPSIM_SIM_COMPARE_REPORT_H
#define CPSIM_SIM_COMPARE_REPORT_H

#include "sim/base/text.h"
#include "sim/compare/comparison.h"

#include <stdio.h>

enum { REPORT_WORST_ROWS = 10 };

void report_print(struct text *text, const struct comparison *comparison, size_t width);
void report_print_json(const struct comparison *comparison, FILE *stream);
void report_print_csv(struct text *text, const struct comparison *comparison);

void report_print_kinds(struct text *text);

#endif
