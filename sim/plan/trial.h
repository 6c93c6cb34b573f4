/* SPDX-License-Identifier: MIT
 * One run of a candidate, as a process of its own makes it: checked and bounded before anything is
 * simulated, without load the first time. What it found is a point_record: of a candidate that is
 * given up without a run, the metric `rule`, and why in `error`. */
#ifndef CPSIM_SIM_PLAN_TRIAL_H
#define CPSIM_SIM_PLAN_TRIAL_H

#include "sim/plan/alike.h"
#include "sim/sweep/record.h"

/* Answers that a candidate can have: without load, those of a capacity's search (capacity.h: at
 * most 6 halvings or doublings and 10 steps of a bisection to 0.001) and those that confirm it (one
 * at the rate, CONFIRMS_MOST at what may be its capacity). */
enum { CONFIRMS_MOST = 12, TRIALS_MOST = 48 };

/* Everything that is laid over the base scenario to run a candidate at a rate. */
const struct override *trial_overrides(const struct plan_job *job, struct arena *arena,
                                       const struct candidate *candidate, uint64_t index,
                                       double rate, size_t *count);

/* How many requests a run at `rate` needs: a queue shows only in runs that last. */
uint32_t trial_requests(const struct plan_file *file, const struct candidate *candidate,
                        double rate);
/* Seconds of it that warm up. */
double trial_warm_up(uint32_t requests, double rate);

/* What the run that confirms a candidate at `rate` lays over the base scenario. */
const struct override *trial_confirm_overrides(const struct plan_job *job, struct arena *arena,
                                               const struct candidate *candidate, uint64_t index,
                                               double rate, size_t *count);

/* A candidate that is good, and is to be recommended, must be confirmed first. */
void trial_confirm(const struct plan_job *job, struct candidate *candidate);

/* What the candidate's state asks. */
struct trial_question trial_question(const struct plan_job *job, const struct candidate *candidate);

/* Of metrics of a record, what its run needed of limits, and what the candidate's own are. */
struct serving_need trial_need(const struct metric_list *metrics);
struct serving_need trial_room(const struct metric_list *metrics);

/* Makes the run that the candidate's state asks for. `lent`: the record of the run without load of
 * one that is alike, which stands for this one's where it has that room; NULL: there is none. */
void trial_run(const struct plan_job *job, const struct candidate *candidate, uint64_t index,
               const struct point_record *lent, struct arena *arena, struct point_record *record);
/* The record of an answer that another's run gave. */
struct point_record trial_shared(struct arena *arena, const struct metric_list *metrics);

/* Takes its answer. Metrics are kept in job->arena. */
void trial_take(const struct plan_job *job, struct candidate *candidate,
                const struct point_record *record);

#endif
