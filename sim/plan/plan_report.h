/* SPDX-License-Identifier: MIT
 * What a plan found: for people the Pareto fronts and the winner, for programs every candidate. */
#ifndef CPSIM_SIM_PLAN_PLAN_REPORT_H
#define CPSIM_SIM_PLAN_PLAN_REPORT_H

#include "sim/plan/front.h"
#include "sim/plan/plan.h"

#include <stdio.h>

/* Codes of the terminal, or "", and its columns. */
struct plan_look {
    const char *bold, *plain;
    size_t columns;
};
void plan_print(const struct plan_job *job, const struct candidate *candidates,
                struct plan_look look, FILE *stream);

/* One object: what was asked, how many candidates each rule gave up, both fronts (numbers of
 * candidates), the winner, every candidate. */
void plan_print_json(const struct plan_job *job, const struct candidate *candidates, FILE *stream);

/* A row a candidate. */
void plan_write_csv(const struct plan_job *job, const struct candidate *candidates, FILE *stream);

/* --- what is recommended --- */

/* `points` has room for every candidate. Of those that carry the rate, cost against TTFT at the
 * rate; tokens a second and GPU (negative) against the median TPOT, each at its capacity as far as
 * it was sought, one of those that differ by no more than runs do. Who is on them is told by the
 * search, in which all had the same draws: else each that was confirmed would make room for a twin
 * that was luckier. Return how many there are. */
size_t plan_cost_choice(const struct plan_job *job, const struct candidate *candidates,
                        struct front_point *points);
size_t plan_speed_choice(const struct plan_job *job, const struct candidate *candidates,
                         struct front_point *points);

/* The fronts of these by their own figures, those of the runs that confirmed them. */
size_t plan_cost_front(const struct plan_job *job, const struct candidate *candidates,
                       struct front_point *points);
size_t plan_speed_front(const struct plan_job *job, const struct candidate *candidates,
                        struct front_point *points);

#endif
