/* SPDX-License-Identifier: MIT
 * Which replica gets a request: a table of functions. A new router is a function in router*.c
 * and a row of ROUTERS in sim/scenario/serving.h. */
#ifndef CPSIM_SIM_SERVING_REPLICA_ROUTER_H
#define CPSIM_SIM_SERVING_REPLICA_ROUTER_H

#include "sim/scenario/serving.h"

struct arena;
struct fleet;
struct pool;
struct request;
struct server;

struct router_policy {
    /* One of pool->servers: its place among them. */
    uint32_t (*choose)(struct fleet *fleet, struct pool *pool, const struct request *request);
    /* Of a policy that sends to whose key is the least, of equals to the first: what it goes by,
     * which router_note() keeps; NULL: one that looks at all of them. */
    uint64_t (*key)(const struct server *server);
};

#define ROUTER(member, object, name, sentence) extern const struct router_policy object;
ROUTERS(ROUTER)
#undef ROUTER
extern const struct router_policy *const router_policies[ROUTER_KIND_COUNT];

/* Prepares a pool whose servers there are. */
void router_open(struct pool *pool, struct arena *arena);

/* The server to which the pool's router sends the request: its place in fleet->servers. */
uint32_t router_choose(struct fleet *fleet, struct pool *pool, const struct request *request);

/* So many requests more (or fewer) are the server's: the only place that counts them. */
void router_count(struct server *server, int32_t change);

/* One fault more (or less) keeps the server from working: the only place that counts them. Returns
 * how many do. */
uint32_t router_down(struct server *server, int32_t change);

#endif
