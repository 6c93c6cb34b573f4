/* SPDX-License-Identifier: MIT
 * The replicas of a run and what they share: the machine, requests, prices of steps. Whoever wants
 * to know what happens to requests listens; a fleet knows no results and no traces. */
#ifndef CPSIM_SIM_SERVING_REPLICA_FLEET_H
#define CPSIM_SIM_SERVING_REPLICA_FLEET_H

#include "models/numeric/tournament.h"
#include "models/passes/memory.h"
#include "sim/serving/load/acceptance.h"
#include "sim/serving/load/source.h"
#include "sim/serving/replica/host_memory.h"
#include "sim/serving/replica/server.h"
#include "sim/serving/replica/sharing.h"
#include "sim/serving/replica/switching.h"

struct price_store; /* sim/serving/batching/price_store.h */

/* Prices of steps [pipeline] when network cards carry a share of their rate. */
struct network_costs {
    double nic_share;
    struct step_costs **stages; /* [pipeline] */
    struct network_costs *next;
};

/* Steps alike of a replica, one after the other. */
struct played_steps {
    struct step_shape shape; /* of one; of a run, in its middle */
    struct step_cost cost;
    double start_seconds, seconds;
    double busy_seconds; /* that the replica worked: less in a pipeline, which also waits */
    uint32_t steps;
};

/* Who is told; called inside actors. */
struct fleet_listener {
    void *data;
    void (*ended)(void *data, uint32_t request);                 /* its state says how */
    void (*gaps)(void *data, double seconds, uint64_t requests); /* between two of their tokens */
    void (*steps)(void *data, const struct server *server, const struct played_steps *steps);
    /* A server held no GPUs in that time; what is left at the run's end is not told. */
    void (*off)(void *data, const struct server *server, double from_seconds, double to_seconds);
};

/* Replicas alike: all, those that prefill, or those that decode. Their servers and GPUs follow each
 * other; ranks of the placement count from first_gpu. */
struct pool {
    const struct scenario *scenario; /* as they are set up */
    struct replica replica;
    struct placement placement;
    uint32_t index, first_gpu, gpus_per_server;
    struct server *servers; /* [server_count], of the fleet's */
    uint32_t server_count;
    struct tournament lightest; /* [server_count]: of a router with keys (router.h) */
    struct step_group *groups;  /* [group_count]: of ranks that share experts; 0: none do */
    uint32_t group_count;
    double kv_bytes_per_token;    /* of one GPU of a server */
    double cache_bytes_per_token; /* of a server, what several hold counted once */
    uint32_t cache_parts;         /* of its tensor ranks' that differ */
    uint64_t kv_pages;            /* of a server */
    struct kv_layout kv_layout;
    double kv_page_bytes;                       /* of one GPU of a server */
    double adapter_bytes, adapter_hand_seconds; /* of one adapter: to each GPU; work beside ... */
    double adapter_read_seconds;                /* ... and from storage before that */
    double adapter_room_bytes;                  /* of each GPU, for all that a step may have */
    struct memory_use memory;    /* of one GPU: weights, the whole KV cache, activations */
    struct network_costs *costs; /* of steps, by what is left of the network cards' rate */
};

struct fleet {
    const struct scenario *scenario;
    const struct serving *serving;
    struct engine *engine;
    struct arena *arena;
    struct requests *requests;
    struct source *source;
    struct fleet_listener listener;
    struct price_store *prices; /* NULL: none */
    uint64_t price_kind;
    struct pool pools[POOL_COUNT]; /* [pool_count]; of one, it takes new requests and keeps them */
    uint32_t pool_count;
    struct server *servers; /* [server_count]: replicas, or their ranks with own requests */
    uint32_t server_count;
    struct acceptance_source acceptance;
    struct host_socket *sockets; /* [fleet_gpus()]: by their first GPU */
    struct tiers tiers;
    struct fleet_scaling scaling;
    struct fleet_switching switching;
    struct fleet_sharing sharing;
    struct finetuning_price finetuning; /* of a micro-batch on one replica */
    bool may_leave;       /* requests may end before their answers do, or be told to */
    uint32_t turns[2];    /* of round robin, by pool */
    uint64_t answered;    /* requests that have all their tokens ... */
    double answer_tokens; /* ... and these */
    double moved_bytes;   /* KV caches between replicas */
    uint64_t moves;
    uint64_t retries, lost;               /* requests that a failed replica had */
    uint64_t recovered, recovered_tokens; /* whose caches outlived a GPU */
    double recovery_seconds;              /* of all of them */
};

/* Makes the servers; the rest is filled in. */
void fleet_create(struct fleet *fleet);
void fleet_start(struct fleet *fleet);
void fleet_destroy(struct fleet *fleet);

/* Sends a request to a replica that can take it, or rejects it. */
void fleet_route(struct fleet *fleet, uint32_t request);

/* The request shall end as soon as it can, in that state; nothing when it is over. */
void fleet_leave(struct fleet *fleet, uint32_t request, enum request_state state);

/* --- for servers and faults --- */

/* Prices of steps [pipeline] of a pool when network cards carry a share of their rate. */
struct step_costs **fleet_costs(struct fleet *fleet, struct pool *pool, double nic_share);
/* GPUs of the platform, unused ones between pools among them. */
uint32_t fleet_gpus(const struct fleet *fleet);
/* The pool that has a GPU of the platform; NULL: none has. */
const struct pool *fleet_pool_of(const struct fleet *fleet, uint32_t gpu);
/* Servers of a replica: ranks with requests of their own. */
uint32_t pool_ranks(const struct pool *pool);
/* Whether both pools are on the same GPUs (service.switching). */
bool fleet_shares_gpus(const struct fleet *fleet);
/* Number, over all pools, of the replica that a server is, or is a rank of. */
uint32_t fleet_replica_of(const struct fleet *fleet, const struct server *server);
/* Requests of the model's full length that fill a server's cache, as vLLM counts them at its start;
 * 0: the model does not say. */
double pool_full_length_requests(const struct pool *pool);
/* Tokens of the longest request that fits a server's cache, the model's context at most; 0: the
 * model has none. */
uint64_t pool_longest_request(const struct pool *pool);
/* A request has ended, one way or another. */
void fleet_end(struct fleet *fleet, uint32_t request, enum request_state state);
/* A replica that failed had it. */
void fleet_orphaned(struct fleet *fleet, uint32_t request);
/* Its prompt is computed on a server that only prefills: its KV cache moves on. */
void fleet_hand_over(struct fleet *fleet, const struct lane *from, uint32_t request);

#endif
