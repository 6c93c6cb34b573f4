/* SPDX-License-Identifier: MIT
 * Runs a service under load on the simulated cluster: arrivals, a router, replicas as actors, and
 * the figures that come out. Deterministic: the same scenario and seed give the same result. The
 * rooms below know nothing of a run; those who make figures of it (result) do. */
#ifndef CPSIM_SIM_SERVING_SERVING_H
#define CPSIM_SIM_SERVING_SERVING_H

#include "sim/base/progress.h"
#include "sim/serving/faults/faults.h"
#include "sim/serving/load/source.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/result/goal.h"
#include "sim/serving/result/histogram.h"

struct fold;          /* sim/serving/result/fold.h */
struct serving_trace; /* sim/serving/result/serving_trace.h */

/* A run of more requests does not keep them: it adds each up when it ends, and quantiles are right
 * to 0.05 %. Kept all the same are those of a run that writes a trace, watches a goal or is given
 * its requests, and those of SGLang's scheduler, whose cache names texts by requests. */
enum { REQUESTS_KEPT = 1000000 };

/* What a run does besides; nothing but `requests` changes what happens in it. Zero: nothing. */
struct serving_options {
    struct serving_trace *trace;     /* gets rows; NULL: there is none */
    struct price_store *prices;      /* shared with other processes; NULL: there is none ... */
    uint64_t price_kind;             /* ... and what its prices are of */
    const struct serving_goal *goal; /* a run that has missed it ends; NULL: every one goes on */
    struct progress *progress;       /* NULL: none is shown */
    const struct request_trace *requests; /* who comes, in place of the scenario's arrivals.file;
                                             NULL: that file's */
    uint64_t keeps;                       /* so many requests at most; 0: REQUESTS_KEPT */
};

struct serving_run {
    const struct scenario *scenario;
    const struct serving *serving;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct serving_trace *trace; /* NULL: none */
    struct progress *progress;   /* NULL: none */
    struct goal_watch watch;
    struct requests requests;
    struct fold *fold; /* in place of requests that are not kept; NULL: they are */
    struct source source;
    struct fleet fleet;
    struct faults faults;
    struct batched_histogram inter_token; /* seconds between two tokens of a request */
    double end_seconds;                   /* of the last request */
    uint64_t events;                      /* that SimGrid played */
};

/* Prepares, plays and leaves the run for metrics.h and the summaries; false with diagnostics when
 * the input is wrong (`*wrong_input`) or the simulation failed. Everything lives in `arena`. A run
 * that ended because it missed its goal has run->watch.missed, and figures that mean nothing. */
bool serving_run(const struct scenario *scenario, struct arena *arena,
                 const struct serving_options *options, struct serving_run *run, bool *wrong_input,
                 struct diagnostics *diagnostics);

/* The same of a scenario's tenants on one cluster: `options` and `runs` are [tenant_count], of
 * which no goal is watched. `*events`: that SimGrid played for all of them, beside each run's own
 * (of one tenant they are in its run, as where it is alone). */
bool serving_run_tenants(const struct scenario *scenario, struct arena *arena,
                         const struct serving_options options[], struct serving_run runs[],
                         uint64_t *events, bool *wrong_input, struct diagnostics *diagnostics);

#endif
