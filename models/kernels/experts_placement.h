/* SPDX-License-Identifier: MIT
 * Where copies of experts go when their loads are known: the greedy of EPLB (DeepSeek's expert
 * parallelism load balancer, github.com/deepseek-ai/EPLB, eplb.py). The heaviest expert, a copy's
 * share counted, gets the next copy; copies go, the heaviest first, to the rank with the least load
 * that has room. By nodes: groups of experts are packed into nodes first, and copies are made and
 * packed within each. Pure. */
#ifndef CPSIM_MODELS_KERNELS_EXPERTS_PLACEMENT_H
#define CPSIM_MODELS_KERNELS_EXPERTS_PLACEMENT_H

#include <stdint.h>

enum { EXPERTS_MOST = 768 }; /* of a layer, copies among them */

/* What is placed: `loads` [count] of experts, in order; those of a group follow each other. */
struct experts_to_place {
    const double *loads;
    uint32_t count, redundant; /* (count + redundant) copies in all, as many on every rank */
    uint32_t ranks;
    uint32_t nodes,
        groups; /* nodes 1: over all ranks at once, as where nodes do not divide groups */
};

/* Every copy: which expert it is of, and the rank that has it. */
struct placed_experts {
    uint16_t experts[EXPERTS_MOST], ranks[EXPERTS_MOST];
    uint32_t count;
};

/* All copies. */
void experts_place_all(const struct experts_to_place *question, struct placed_experts *placed);

/* Loads of the copies on the rank that has most to do, the fullest first; returns how many. */
uint32_t experts_place(const struct experts_to_place *question, double fullest[EXPERTS_MOST]);

/* How many copies each expert gets, of all ranks at once: `copies` [count]. */
void experts_copies(const double *loads, uint32_t count, uint32_t redundant, uint16_t *copies);

#endif
