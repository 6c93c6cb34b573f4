/* SPDX-License-Identifier: MIT
 * Runs a service under load on the simulated cluster: arrivals, a router, replicas as actors, and
 * the figures that come out. Deterministic: the same scenario and seed give the same result. */
#ifndef CPSIM_SIM_SERVING_SERVING_H
#define CPSIM_SIM_SERVING_SERVING_H

#include "models/passes/memory.h"
#include "sim/serving/faults/faults.h"
#include "sim/serving/load/arrivals.h"
#include "sim/serving/load/lengths.h"
#include "sim/serving/load/source.h"
#include "sim/serving/replica/server.h"
#include "sim/serving/result/goal.h"
#include "sim/serving/result/histogram.h"

struct network_costs {
    double nic_share;
    struct step_costs **stages; /* [pipeline] */
    struct network_costs *next;
};

struct serving_trace; /* sim/serving/result/serving_trace.h */
struct price_store;   /* sim/serving/batching/price_store.h */

/* What a run does besides; nothing of it changes what happens in it. Zero: nothing. */
struct serving_options {
    struct serving_trace *trace;     /* gets rows; NULL: there is none */
    struct price_store *prices;      /* shared with other processes; NULL: there is none ... */
    uint64_t price_kind;             /* ... and what its prices are of */
    const struct serving_goal *goal; /* a run that has missed it ends; NULL: every one goes on */
};

struct serving_run {
    const struct scenario *scenario;
    const struct serving *serving;
    struct replica replica;
    struct engine *engine;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct serving_trace *trace; /* NULL: none */
    struct goal_watch watch;
    struct price_store *prices;
    uint64_t price_kind;
    struct network_costs *costs; /* of steps, by what is left of the network cards' rate */
    struct request *requests;    /* [request_count of request_capacity] */
    uint32_t request_count, request_capacity;
    uint32_t finished_count; /* done, rejected or lost */
    struct server *servers;  /* [server_count] */
    uint32_t server_count;
    uint32_t gpus_per_replica;
    double kv_bytes_per_token; /* of one GPU of a replica */
    uint64_t kv_pages;         /* of a replica */
    struct memory_use memory;  /* of one GPU: weights, the whole KV cache, activations */
    struct request_trace request_trace;
    struct source source;
    struct histogram inter_token; /* seconds between two tokens of a request */
    uint32_t turns[2];            /* of round robin, by pool */
    double moved_bytes;           /* KV caches between replicas */
    uint64_t moves;
    uint64_t retries, lost;
    struct struck_fault *first_fault, *last_fault;
    uint64_t fault_counts[FAULT_KIND_COUNT];
    double end_seconds; /* of the last request */
    uint64_t events;    /* that SimGrid played */
};

/* Prepares, plays and leaves the run for metrics.h and the summaries; false with diagnostics when
 * the input is wrong (`*wrong_input`) or the simulation failed. Everything lives in `arena`. A run
 * that ended because it missed its goal has run->watch.missed, and figures that mean nothing. */
bool serving_run(const struct scenario *scenario, struct arena *arena,
                 const struct serving_options *options, struct serving_run *run, bool *wrong_input,
                 struct diagnostics *diagnostics);

/* --- for servers and the source --- */

/* Prices of steps [pipeline] when network cards carry a share of their rate. */
struct step_costs **serving_costs(struct serving_run *run, double nic_share);

/* Sends a request to a replica that can take it, or rejects it. */
void serving_route(struct serving_run *run, uint32_t request);
/* A request has got all its tokens. */
void serving_done(struct serving_run *run, uint32_t request);
/* A replica that failed had it. */
void serving_orphaned(struct serving_run *run, uint32_t request);
/* Reserves `room` tokens on `to` for a request that waits there, takes it off the queue and sets
 * its KV cache moving; false when there is no room. */
bool serving_move_cache(struct serving_run *run, struct server *to, uint32_t request,
                        uint64_t room);
/* Its prompt is computed on a server that only prefills: its KV cache moves on. */
void serving_hand_over(struct serving_run *run, struct server *from, uint32_t request);

#endif
