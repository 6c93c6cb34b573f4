/* SPDX-License-Identifier: MIT
 * Finds the cheapest way to run a service: every candidate is tried without load (too slow there is
 * too slow), then its capacity within the SLO is found by bisection of the rate, each run a
 * simulation of its own. */
#ifndef CPSIM_SIM_PLAN_PLAN_H
#define CPSIM_SIM_PLAN_PLAN_H

#include "sim/base/metric.h"
#include "sim/plan/capacity.h"
#include "sim/plan/plan_file.h"
#include "sim/sweep/points.h"

enum candidate_state {
    CANDIDATE_NEW,
    CANDIDATE_SEARCHING,
    CANDIDATE_REJECTED, /* impossible: it does not fit the memory, the cluster ... */
    CANDIDATE_FAILED,   /* a simulation failed */
    CANDIDATE_SLOW,     /* misses the SLO without load */
    CANDIDATE_SHORT,    /* within the SLO, but not at the rate asked for */
    CANDIDATE_GOOD,
    CANDIDATE_STATE_COUNT
};

struct candidate {
    enum candidate_state state;
    bool under_way;
    struct capacity_search search;
    double gpus, dollars_per_hour; /* 0: no price */
    double answer_seconds;         /* of a request, without load */
    const char *reason;            /* rejected, failed */
    struct metric_list at_rate;    /* at the rate asked for; empty unless GOOD */
    struct metric_list at_capacity;
    uint32_t runs;
};

struct plan_job {
    const struct plan_file *file;
    const struct points *points;
    unsigned workers;
    void (*report)(void *context, uint64_t done, uint64_t total, double seconds);
    void *context;
    struct arena *arena;
};

/* candidates[points->count]. False when SIGINT or SIGTERM stopped it. */
bool plan_run(const struct plan_job *job, struct candidate *candidates);

/* What ranks candidates: dollars an hour, or GPUs where there is no price. */
double plan_cost(const struct candidate *candidate);
/* The cheapest good one; of equal cost that of the larger capacity (twice the rate
 * is as good as more), then the first. SIZE_MAX: none
 * is good. */
size_t plan_winner(const struct candidate *candidates, size_t count);

/* The winner's scenario at the rate asked for, as YAML; NULL after an error. */
const char *plan_scenario(const struct plan_job *job, const struct candidate *candidates,
                          uint64_t candidate, struct diagnostics *diagnostics);

const char *plan_state_name(enum candidate_state state);

#endif
