/* SPDX-License-Identifier: MIT
 * The prefix cache below the GPUs (service.tiers): blocks that went to the host's memory or to a
 * store on nodes of its own, and come back for whoever begins with their text. What is found is
 * loaded before its request is computed, beside others' steps (vLLM's offloading connector,
 * LMCache): over each GPU's link to its host, one load after the other, and as flows from the
 * store's nodes over the simulated network. What goes to the store is flows too; what goes to the
 * host holds nobody up. */
#ifndef CPSIM_SIM_SERVING_REPLICA_TIERS_H
#define CPSIM_SIM_SERVING_REPLICA_TIERS_H

#include "sim/scenario/serving.h"
#include "sim/serving/cache/kv_tier.h"

struct fleet;
struct server;

struct tiers {
    struct kv_tier *hosts; /* [host_count]: of servers, or of nodes where replicas share them */
    uint32_t host_count;
    struct kv_tier remote;
    uint32_t store_gpu; /* the first of the store's nodes */
    double loaded_bytes[KV_TIER_COUNT], stored_bytes[KV_TIER_COUNT]; /* of all GPUs */
};

/* After the servers; nothing when the service has none. */
void tiers_create(struct fleet *fleet);
/* With the servers. */
void tiers_start(struct fleet *fleet);
void tiers_destroy(struct fleet *fleet);

/* The request of a server, whose blocks it holds, has what it waits for at a time. */
void tiers_load(struct server *server, uint32_t request, double until_seconds);

/* A server has failed: what its own memory held is gone. */
void tiers_fail(struct server *server);

#endif
