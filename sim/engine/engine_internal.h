/* SPDX-License-Identifier: MIT
 * What engine.c (the platform) and player.c (the actors) share. */
#ifndef CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H
#define CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H

#include "sim/base/arena.h"
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

struct engine {
    struct arena *arena;
    struct arena *actors; /* of one run */
    const struct cluster *cluster;
    uint32_t gpu_count;
    sg_host_t *hosts;                           /* [gpu_count] */
    bool own_platform;                          /* the user's: no limiters */
    sg_link_t *limiters[LIMITER_COUNT];         /* [gpu_count] */
    double *limits[LIMITER_COUNT];              /* [gpu_count] as they are set, bytes per second */
    struct link_use *link_use[LINK_KIND_COUNT]; /* [gpu_count], of the last play */
    uint64_t events;
    double play_start;                   /* engine clock */
    engine_flow_observer *flow_observer; /* NULL: none */
    void *flow_context;
};

/* Once a process. */
void engine_start_simgrid(void);

#endif
