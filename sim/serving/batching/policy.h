/* SPDX-License-Identifier: MIT
 * How a replica makes its batches, and which replica gets a request: tables of functions. A new
 * one is a file and a row of the table in policy.c. */
#ifndef CPSIM_SIM_SERVING_BATCHING_POLICY_H
#define CPSIM_SIM_SERVING_BATCHING_POLICY_H

#include "sim/scenario/serving.h"

#include <stddef.h>
#include <stdint.h>

struct server;
struct serving_run;
struct request;

/* New tokens of a prompt in a step. */
struct chunk {
    uint32_t request, tokens;
};

/* The next step. Empty: wait for work. */
struct pick {
    uint32_t decode_steps; /* > 0: all that decode take part; with no chunk, so many steps alike
                              may follow each other while nothing arrives and nobody ends */
    uint32_t chunk_count;
    struct chunk *chunks; /* [max_sequences] */
};

struct batching_policy {
    const char *name, *doc;
    size_t state_size; /* of `server->policy_state`, zeroed at first */
    void (*on_arrival)(struct server *server, uint32_t request);
    void (*pick_batch)(struct server *server, struct pick *pick);
    void (*on_step_end)(struct server *server); /* may be NULL */
};

struct router_policy {
    const char *name, *doc;
    /* One of run->servers [first, first + count); `turn` counts the calls. */
    uint32_t (*choose)(struct serving_run *run, const struct request *request, uint32_t first,
                       uint32_t count);
};

extern const struct batching_policy policy_chunked_prefill, policy_prefill_first, policy_static,
    policy_disaggregated;
extern const struct batching_policy *const batching_policies[BATCHING_KIND_COUNT];

extern const struct router_policy router_round_robin, router_least_outstanding, router_prefix_aware;
extern const struct router_policy *const router_policies[ROUTER_KIND_COUNT];

#endif
