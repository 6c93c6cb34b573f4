/* SPDX-License-Identifier: MIT
 * The exchange between sites on SimGrid, beside the step: a site is a node of its own whose one
 * card is the site's link to the others, and every ring's flows share it. Folded, the first site
 * stands for all. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_SITES_H
#define CPSIM_SIM_TRAINING_TRAINING_SITES_H

#include "models/training/outer_step.h"
#include "sim/base/arena.h"
#include "sim/engine/engine.h"

/* Nodes of the platform from `first_node` on that stand for sites. */
struct site_nodes {
    uint32_t first_node;
    uint32_t count; /* 0: nothing is played */
    struct cluster cluster;
    struct node_links kinds[2]; /* the run's own nodes, and these */
};
void site_nodes_fill(struct site_nodes *nodes, const struct training *training,
                     uint32_t first_node);

/* Sites that a play needs, each once: `sites` has room for all. */
uint32_t site_nodes_needed(const struct training *training, const struct outer_step *step,
                           bool folded, uint32_t *sites, struct arena *arena);

/* Starts the exchange; `seconds` is, after engine_run(), when its last flow has arrived. */
void site_flows_start(struct engine *engine, const struct site_nodes *nodes,
                      const struct training *training, const struct outer_step *step, bool folded,
                      double *seconds, struct arena *arena);

#endif
