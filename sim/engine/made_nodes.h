/* SPDX-License-Identifier: MIT
 * The nodes that a folded play needs: those of the GPUs it plays and of those they send to. The
 * rest of the cluster is not made (engine_setup's `made`). */
#ifndef CPSIM_SIM_ENGINE_MADE_NODES_H
#define CPSIM_SIM_ENGINE_MADE_NODES_H

#include "models/layout/placement.h"
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct made_nodes {
    const struct placement *placement;
    uint32_t *nodes, count; /* each once, in the order in which they were needed */
    bool *there;            /* [nodes of the placement] */
};

/* None yet; the arena's. */
struct made_nodes made_nodes_none(const struct placement *placement, struct arena *arena);
/* The node of a GPU. */
void made_nodes_add(struct made_nodes *made, uint32_t gpu);
/* The node that the flow of a GPU along an edge of its group ends on. */
void made_nodes_add_peer(struct made_nodes *made, uint32_t gpu, enum group group,
                         struct group_shape shape, enum collective_edge edge);
/* Puts them in the order of the cluster. */
void made_nodes_sort(struct made_nodes *made);

#endif
