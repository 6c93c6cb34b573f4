/* SPDX-License-Identifier: MIT
 * What engine.c (the platform) and player.c (the actors) share. */
#ifndef CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H
#define CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H

#include "sim/base/arena.h"
#include "sim/engine/actor.h"
#include "sim/engine/engine.h"

#include <simgrid/host.h>
#include <simgrid/link.h>

/* Where a flow goes: each GPU has a limiter for either, a link that holds each flow to a rate and
 * that flows do not share. */
enum limiter { LIMITER_NODE, LIMITER_FABRIC, LIMITER_COUNT };

/* What crossed one direction of a link. */
struct link_use {
    double bytes, busy_seconds;
    double since; /* engine clock, while flows > 0 */
    uint32_t flows;
};

/* Whom flows are shown to. */
struct flow_watch {
    engine_flow_observer *observer; /* NULL: nobody */
    void *context;
};

struct engine {
    struct arena *arena;
    struct calendar *calendar; /* NULL: SimGrid plays */
    struct arena *actors;      /* of one run */
    const struct cluster *cluster;
    uint32_t gpu_count, lanes;
    sg_host_t *hosts[LANE_COUNT];                   /* [gpu_count]; NULL where a node is not made */
    bool own_platform;                              /* the user's: no limiters */
    sg_link_t *limiters[LANE_COUNT][LIMITER_COUNT]; /* [gpu_count] */
    double *limits[LANE_COUNT][LIMITER_COUNT];      /* [gpu_count] as set, bytes per second */
    struct link_use *link_use[LINK_KIND_COUNT];     /* [gpu_count], of the last play */
    uint32_t used_end; /* no link of a GPU from this one on was used in it */
    struct link_use *others_use[LINK_KIND_COUNT]; /* [gpu_count], from the start */
    uint64_t events;
    double play_start; /* engine clock */
    struct flow_watch watch, others_watch;
    bool driven;                /* plays run inside an actor ... */
    struct actor_signal driver; /* ... which waits here */
    uint32_t live;              /* actors besides it that are no daemons */
};

/* Once a process, for a platform of so many GPUs. */
void engine_start_simgrid(uint32_t gpus);

/* Plays until every actor but daemons and the driver has ended. */
void engine_settle(struct engine *engine);

#endif
