/* SPDX-License-Identifier: MIT
 * Which replica gets a request: a table of functions. A new router is a function and a row in
 * router.c. */
#ifndef CPSIM_SIM_SERVING_REPLICA_ROUTER_H
#define CPSIM_SIM_SERVING_REPLICA_ROUTER_H

#include "sim/scenario/serving.h"

struct fleet;
struct request;

struct router_policy {
    const char *name, *doc;
    /* One of fleet->servers [first, first + count). */
    uint32_t (*choose)(struct fleet *fleet, const struct request *request, uint32_t first,
                       uint32_t count);
};

extern const struct router_policy router_round_robin, router_least_outstanding, router_prefix_aware;
extern const struct router_policy *const router_policies[ROUTER_KIND_COUNT];

#endif
