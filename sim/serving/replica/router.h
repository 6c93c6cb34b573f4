/* SPDX-License-Identifier: MIT
 * Which replica gets a request: a table of functions. A new router is a function in router*.c
 * and a row of ROUTERS in sim/scenario/serving.h. */
#ifndef CPSIM_SIM_SERVING_REPLICA_ROUTER_H
#define CPSIM_SIM_SERVING_REPLICA_ROUTER_H

#include "sim/scenario/serving.h"

struct fleet;
struct request;

struct router_policy {
    /* One of fleet->servers [first, first + count). */
    uint32_t (*choose)(struct fleet *fleet, const struct request *request, uint32_t first,
                       uint32_t count);
};

#define ROUTER(member, object, name, sentence) extern const struct router_policy object;
ROUTERS(ROUTER)
#undef ROUTER
extern const struct router_policy *const router_policies[ROUTER_KIND_COUNT];

#endif
