/* SPDX-License-Identifier: MIT
 * Limits of a run's 99th percentiles, watched while it runs: as soon as more requests have missed
 * one than a 99th percentile leaves out, or one was not answered at all, the run has missed it
 * whatever comes, and may end. Says no exactly when the whole run's percentiles would. */
#ifndef CPSIM_SIM_SERVING_RESULT_GOAL_H
#define CPSIM_SIM_SERVING_RESULT_GOAL_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct serving_run;

struct serving_goal {
    double ttft_seconds, tpot_seconds; /* of the requests that come after the warm-up */
};

struct goal_watch {
    const struct serving_goal *goal; /* NULL: nothing is watched */
    uint64_t allowed;                /* misses of either kind that a run of all requests may have */
    uint64_t late, slow;             /* that missed TTFT; that missed TPOT */
    uint32_t judged;                 /* requests before this one are known to be late or not */
    bool missed;
};

/* Values above the 99th percentile (nearest rank) of `count` values, at most. */
uint64_t goal_misses_allowed(uint64_t count);

/* `requests`: as many come at most. */
struct goal_watch goal_watch_begin(const struct serving_goal *goal, uint64_t requests);
/* Time has passed: who waits for a first token may be too late by now. */
void goal_watch_clock(struct goal_watch *watch, const struct serving_run *run, double now_seconds);
/* A request has ended. */
void goal_watch_end(struct goal_watch *watch, const struct serving_run *run,
                    const struct request *request);

#endif
