/* SPDX-License-Identifier: MIT
 * Finds the cheapest way to run a service. Every candidate is checked, bounded (bounds.h), tried
 * without load (too slow there is too slow) and then at the rate asked for, each run a simulation
 * of its own; of those that carry it, the ones that matter get their capacity within the SLO by
 * bisection of the rate. What would be recommended must stand a long run of other draws, or it is
 * given up and the next is looked at. Runs that cannot differ are played once (alike.h). What each
 * run answered is kept in a journal: the same command goes on where one was stopped, and ends with
 * the same bytes. */
#ifndef CPSIM_SIM_PLAN_PLAN_H
#define CPSIM_SIM_PLAN_PLAN_H

#include "sim/base/metric.h"
#include "sim/plan/bounds.h"
#include "sim/plan/capacity.h"
#include "sim/plan/plan_file.h"
#include "sim/serving/result/need.h"
#include "sim/sweep/points.h"

enum candidate_state {
    CANDIDATE_NEW,
    CANDIDATE_TRYING,     /* at the rate asked for */
    CANDIDATE_CARRIES,    /* it; whether its capacity is sought is decided when all are so far */
    CANDIDATE_SEARCHING,  /* its capacity */
    CANDIDATE_CONFIRMING, /* in a long run of other draws: at the rate, then at its capacity */
    CANDIDATE_REJECTED,   /* impossible: it does not fit the memory, the cluster ... */
    CANDIDATE_DEAR,       /* over the budget */
    CANDIDATE_FAILED,     /* a simulation failed */
    CANDIDATE_SLOW,       /* misses the SLO without load */
    CANDIDATE_SHORT,      /* within the SLO, but not at the rate asked for */
    CANDIDATE_GOOD,
    CANDIDATE_STATE_COUNT
};

/* Why a candidate was given up. */
enum plan_rule {
    RULE_NONE,
    RULE_IMPOSSIBLE, /* a check of the scenario */
    RULE_FAILED,     /* a simulation failed */
    RULE_BUDGET,
    RULE_TPOT_BOUND, /* bounds.h, before any simulation */
    RULE_TTFT_BOUND,
    RULE_UNLOADED,      /* simulated without load */
    RULE_COMPUTE_BOUND, /* bounds.h, of the requests of the run at the rate */
    RULE_BANDWIDTH_BOUND,
    RULE_KV_ROOM_BOUND,
    RULE_RATE,    /* simulated at the rate */
    RULE_CONFIRM, /* carried it in a short run and not in a long one */
    RULE_COUNT
};

/* Times the rate at which a capacity is large enough. */
#define PLAN_AMPLE 2.0

struct candidate {
    enum candidate_state state;
    enum plan_rule rule;
    bool under_way;
    struct capacity_search search;
    double searched;               /* capacity in short runs */
    double gpus, dollars_per_hour; /* 0: no price */
    double answer_seconds;         /* of a request, without load */
    const char *reason;            /* of what was given up; NULL: it was not */
    struct metric_list at_rate;    /* at the rate asked for; empty unless GOOD */
    struct metric_list at_capacity;
    struct metric_list searched_at_rate, searched_at_capacity; /* the same in short runs, with the
                                                                  draws that all have in common */
    double confirm_rate;      /* of the run that confirms it next; 0: none is under way */
    bool confirmed;           /* all figures are those of such runs */
    uint32_t trials;          /* answers so far */
    uint32_t runs;            /* simulations among them, those of candidates alike too */
    uint32_t shared;          /* of them, those of candidates alike (alike.h) */
    struct serving_need room; /* of its own limits; known after the first answer */
};

/* Whether there is more to be asked of it. */
static inline bool candidate_is_open(const struct candidate *candidate)
{
    return candidate->state == CANDIDATE_NEW || candidate->state == CANDIDATE_TRYING ||
           candidate->state == CANDIDATE_SEARCHING || candidate->state == CANDIDATE_CONFIRMING;
}

struct plan_job {
    const struct plan_file *file;
    const struct points *points;
    const char *folder; /* of the journal; there */
    unsigned workers;
    void (*report)(void *context, uint64_t done, uint64_t total, double seconds);
    void *context;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct price_store *prices; /* plan_run()'s own */
    struct kept_files *files;   /* the same */
};

enum plan_end {
    PLAN_DONE,
    PLAN_INTERRUPTED, /* by SIGINT or SIGTERM */
    PLAN_BROKEN       /* an error */
};

/* candidates[points->count]. */
enum plan_end plan_run(struct plan_job *job, struct candidate *candidates);

/* What ranks candidates: dollars an hour, or GPUs where there is no price. */
double plan_cost(const struct candidate *candidate);
/* The cheapest good one; of equal cost that of the larger capacity in the search, where all had the
 * same draws (twice the rate is as good as more), then the first. SIZE_MAX: none is good. */
size_t plan_winner(const struct candidate *candidates, size_t count);

/* A candidate's scenario at the rate asked for, as YAML, with a command that plays it at its
 * capacity in a comment; NULL after an error. */
const char *plan_scenario(const struct plan_job *job, const struct candidate *candidates,
                          uint64_t candidate, struct diagnostics *diagnostics);

const char *plan_state_name(enum candidate_state state);
const char *plan_rule_name(enum plan_rule rule); /* "over the budget" */

#endif
