/* SPDX-License-Identifier: MIT
 * Replicas that come and go with the load (service.scaling), as Ray Serve's autoscaler decides
 * (python/ray/serve, AutoscalingConfig): as many are wanted as all unfinished requests divided by
 * the target; what has been wanted for long enough is done. One that starts gets its weights from
 * the storage, which all that start share; requests that find nobody serving wait for it. One that
 * goes takes no more requests, ends those that it has and loses its cache. */
#ifndef CPSIM_SIM_SERVING_REPLICA_SCALING_H
#define CPSIM_SIM_SERVING_REPLICA_SCALING_H

#include "sim/engine/actor.h"

#include <stdbool.h>
#include <stdint.h>

struct fleet;
struct pool;
struct server;

enum standing { STANDING_UP, STANDING_STARTING, STANDING_LEAVING, STANDING_OFF };

/* Of one server. */
struct server_scaling {
    enum standing standing;
    struct actor_signal loading; /* its weights are on their way */
    double since_seconds;        /* it has been off, or starting, since */
    double leaves_seconds;       /* of the decision that it leaves */
    double off_seconds;          /* so far, without the time since then */
};

/* Of a fleet. */
struct fleet_scaling {
    double up_since_seconds, down_since_seconds; /* more, or fewer, are wanted; negative: not */
    uint32_t loading;                            /* replicas whose weights are on their way */
    uint64_t starts;
    double start_seconds; /* of all of them */
};

void scaling_create(struct fleet *fleet);
void scaling_start(struct fleet *fleet);
void scaling_destroy(struct fleet *fleet);

/* Whether a router may send it requests. */
bool scaling_serves(const struct server *server);

/* The server that a request waits at because none serves; one starts if none does. UINT32_MAX: some
 * serve. */
uint32_t scaling_waits_at(struct fleet *fleet);

/* --- for those that decide who opens and closes (switching.h) --- */

/* Before the run: it is closed from the beginning. */
void scaling_shut(struct server *server);
/* It holds its GPUs from now on, and does not serve yet. */
void scaling_hold(struct server *server);
/* It serves from now on. */
void scaling_stand_up(struct server *server);
/* Of a server that serves or leaves; routers are told. */
void scaling_set_standing(struct server *server, enum standing standing);
/* It has no requests, and lets go of its GPUs. */
void scaling_let_go(struct server *server);
/* The same, and it loses what it has; all but its prefix cache, if it keeps that. */
void scaling_close(struct server *server, bool keeps_cache);
uint32_t scaling_count(const struct pool *pool, enum standing standing);
/* Of that standing, the one with fewest requests; of equals the first or, with `last`, the last, so
 * that it is always the same ones that serve. NULL: there is none. */
struct server *scaling_calmest(struct pool *pool, enum standing standing, bool last);

/* Seconds in which a server held no GPUs, until `end_seconds`. */
double scaling_off_seconds(const struct server *server, double end_seconds);

#endif
