/* SPDX-License-Identifier: MIT
 * Where requests come from: one actor that makes them when they are due (arrivals, the next turns
 * of conversations, the next requests of a closed loop) and hands them to the router. */
#ifndef CPSIM_SIM_SERVING_LOAD_SOURCE_H
#define CPSIM_SIM_SERVING_LOAD_SOURCE_H

#include "sim/engine/actor.h"
#include "sim/serving/load/arrivals.h"
#include "sim/serving/load/lengths.h"
#include "sim/serving/load/request.h"

/* A request that is due. */
struct due {
    double seconds;
    uint64_t order; /* of two at one time, who was made first */
    uint32_t request;
};

struct source {
    const struct scenario *scenario;
    struct arena *arena;
    struct requests *requests;
    void (*route)(void *receiver, uint32_t request); /* where those that are due go */
    void *receiver;
    struct request_trace trace;
    const struct arrival_policy *policy;
    struct arrival_state arrivals;
    struct length_source prompts, outputs;
    struct random_stream turns, thinking;
    struct due *heap; /* [heap_count of heap_capacity], the earliest first */
    uint32_t heap_count, heap_capacity;
    uint64_t orders;
    uint32_t coming; /* the next arrival, among what is due */
    uint32_t sessions;
    bool stirred;   /* what is due first has changed */
    bool exhausted; /* nothing comes by itself any more */
    bool closed;    /* the run is over, whatever is due */
    double last_arrival_seconds;
    double end_seconds; /* when the last request had ended */
    struct actor_signal signal;
};

/* Reads what files there are, unless `given` (NULL: it is not) has the requests; fills `requests`'
 * capacity, not its array. False with diagnostics. */
bool source_create(struct source *source, const struct scenario *scenario,
                   const struct request_trace *given, struct arena *arena,
                   struct requests *requests, struct diagnostics *diagnostics);
/* `route` gets each request, with `receiver`, when it is due. */
void source_start(struct source *source, struct engine *engine,
                  void (*route)(void *receiver, uint32_t request), void *receiver);

/* A request has ended: what its client or session does next. */
void source_follow(struct source *source, uint32_t request);
/* The request shall be routed (again) at a time. */
void source_schedule(struct source *source, uint32_t request, double seconds);
/* After either, when the caller is ready for others to run: lets the source see it. */
void source_wake(struct source *source);

#endif
