/* SPDX-License-Identifier: MIT
 * What a plan found: for people the Pareto fronts and the winner, for programs every candidate. */
#ifndef CPSIM_SIM_PLAN_PLAN_REPORT_H
#define CPSIM_SIM_PLAN_PLAN_REPORT_H

#include "sim/plan/plan.h"

#include <stdio.h>

/* `bold` and `plain` are codes of the terminal, or "". */
void plan_print(const struct plan_job *job, const struct candidate *candidates, const char *bold,
                const char *plain, FILE *stream);

/* A row a candidate. */
void plan_write_csv(const struct plan_job *job, const struct candidate *candidates, FILE *stream);

#endif
