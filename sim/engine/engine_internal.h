/* SPDX-License-Identifier: MIT
 * What engine.c (the platform) and player.c (the actors) share. */
#ifndef CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H
#define CPSIM_SIM_ENGINE_ENGINE_INTERNAL_H

#include "sim/base/arena.h"
#include "sim/engine/engine.h"

#include <simgrid/host.h>

struct engine {
    struct arena *arena;
    const struct cluster *cluster;
    uint32_t gpu_count;
    sg_host_t *hosts;                    /* [gpu_count] */
    double *link_bytes[LINK_KIND_COUNT]; /* [gpu_count], of the last play */
    uint64_t events;
};

#endif
