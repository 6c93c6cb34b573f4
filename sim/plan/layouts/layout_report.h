/* SPDX-License-Identifier: MIT
 * What a search for a layout found: for people the best layouts and the fronts, for programs all
 * that were priced. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_REPORT_H
#define CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_REPORT_H

#include "sim/plan/layouts/layout_search.h"
#include "sim/plan/plan_report.h"

#include <stdio.h>

void layout_print(const struct layout_job *job, const struct layout_found *found,
                  struct plan_look look, FILE *stream);

/* One object: what was asked, how many layouts ended how, the best, both fronts, the winner. */
void layout_print_json(const struct layout_job *job, const struct layout_found *found,
                       FILE *stream);

/* A row a priced layout, the best first. */
void layout_write_csv(const struct layout_job *job, const struct layout_found *found, FILE *stream);

#endif
