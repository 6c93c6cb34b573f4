/* SPDX-License-Identifier: MIT
 * Replicas that move between phases (service.switching). Each has two servers on the same GPUs, one
 * that prefills and one that decodes, and one of the two is closed. A move has three parts: the
 * open one takes nothing new and ends what it has (its last prompt, or its last answer), it closes,
 * and `switch` later the other one opens. Until it closes it may be called back. Caches of prompts
 * that wait for room elsewhere stay where they are: once the GPUs decode they are taken over in
 * place. */
#ifndef CPSIM_SIM_SERVING_REPLICA_SWITCHING_H
#define CPSIM_SIM_SERVING_REPLICA_SWITCHING_H

#include "sim/scenario/serving.h"

#include <stdbool.h>

struct fleet;
struct server;

/* Means over the looks since the last decision, of servers that take requests. */
struct phase_loads {
    double waiting;         /* prompts that wait, of a replica that prefills */
    double backlog_seconds; /* to compute all prompts that there are on one replica */
    double cache_share;     /* of the pages of those that decode, which requests hold */
    double cache_wanted;    /* replicas whose caches would hold all who decode or wait for room */
};

/* How many replicas do what; those that move are counted where they go. */
struct phase_counts {
    uint32_t prefill, decode, moving;
};

struct switching_policy {
    /* Replicas that shall prefill; whoever calls keeps `least` for each phase. NULL: never. */
    uint32_t (*prefill)(const struct phase_switching *says, const struct phase_loads *loads,
                        const struct phase_counts *counts);
};

/* Of a fleet. */
struct fleet_switching {
    double since_seconds; /* of the first look since the last decision */
    struct phase_loads sums;
    uint32_t looks;
    uint64_t moves;
    double move_seconds; /* of all of them, from the decision until the other half is open */
};

void switching_create(struct fleet *fleet);
void switching_start(struct fleet *fleet);

#define SWITCHING_POLICY(member, object, name, sentence)                                           \
    extern const struct switching_policy object;
SWITCHINGS(SWITCHING_POLICY)
#undef SWITCHING_POLICY
extern const struct switching_policy *const switching_policies[SWITCHING_KIND_COUNT];

/* Whether a server that decodes has room for `pages` more beside what its GPUs still hold of
 * prompts of their own, `taken_over` of which are those that it asks for. Always, if it holds
 * nothing. */
bool switching_has_room(struct server *to, uint64_t pages, uint64_t taken_over);

#endif
