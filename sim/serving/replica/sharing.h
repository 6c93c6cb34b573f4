/* SPDX-License-Identifier: MIT
 * GPUs that replicas of several models have (sharing.policy). Each tenant has a server on each of
 * these sets of GPUs, a seat. Of a seat's servers those are open whose weights and caches have room
 * together; their steps go in turns, one at a time. A request whose model is open nowhere waits at
 * a seat, the one with fewest requests, until it has come: whoever gives way (by the policy) ends
 * what it has, its weights go to the host, the others' come, one after the other over each GPU's
 * link, so that a swap of weights of W_out and W_in bytes of a GPU takes
 * (W_out + W_in) / host_rate + switch. */
#ifndef CPSIM_SIM_SERVING_REPLICA_SHARING_H
#define CPSIM_SIM_SERVING_REPLICA_SHARING_H

#include "sim/engine/actor.h"
#include "sim/scenario/serving.h"
#include "sim/serving/load/request.h"

#include <stdbool.h>
#include <stdint.h>

struct fleet;
struct server;

/* When a server gives way to one that is asked for. */
struct sharing_policy {
    bool swaps; /* else nobody ever goes */
    /* So long it must have had nothing to do. */
    double (*idle_seconds)(const struct gpu_sharing *says);
    /* So long after it has come it takes nothing new; INFINITY: it always does. */
    double (*stay_seconds)(const struct gpu_sharing *says);
};

#define SHARING_POLICY(member, object, name, sentence) extern const struct sharing_policy object;
SHARINGS(SHARING_POLICY)
#undef SHARING_POLICY
extern const struct sharing_policy *const sharing_policies[SHARING_KIND_COUNT];

struct seat_member {
    struct server *server;
    double gpu_bytes;          /* that it takes of each GPU while it is there */
    struct request_queue held; /* that wait until it is */
    double asked_seconds;      /* the first of them came then */
    double came_seconds, idle_since_seconds;
    bool rests; /* it has said that it has nothing to do */
    struct actor_signal turn;
};

struct gpu_seat {
    const struct gpu_sharing *says;
    const struct sharing_policy *policy;
    double capacity_bytes;       /* of each GPU */
    struct seat_member *members; /* [count], one a tenant, in their order */
    uint32_t *waiting;           /* [waiting_count of count]: members that want the next turn */
    uint32_t count, waiting_count;
    struct server *holder; /* whose step it is; NULL: nobody's */
    struct actor_signal signal;
};

/* Of a tenant's fleet. */
struct fleet_sharing {
    struct gpu_seat
        *seats;          /* [server_count], the same of all tenants; NULL: its GPUs are its own */
    uint64_t swaps;      /* times that its weights came to a seat */
    double swap_seconds; /* from the decision until they are there, of all of them */
    double bytes;        /* over host links, of all GPUs: its weights and caches, both ways */
};

/* Before the run: tenants' fleets, [count] of at least two, get the same seats. Those that fit, in
 * their order, are there from the beginning. `fleets` is copied. */
void sharing_create(struct fleet *const *fleets, uint32_t count, const struct gpu_sharing *says);
/* `first`: the first of those fleets. */
void sharing_start(struct fleet *first);
void sharing_destroy(struct fleet *first);

/* Whether the request was kept until its model is there: it is then submitted by itself. */
bool sharing_holds(struct fleet *fleet, uint32_t request);

/* --- for routers and servers --- */

/* Unfinished requests of all its members, those that are kept among them. */
uint64_t seat_load(const struct gpu_seat *seat);
/* A server's requests have changed by so many. */
void seat_count(struct server *server, int32_t change);
/* A server is about to wait: if it has nothing to do the seat is told, once, and others may run
 * meanwhile. */
void seat_rest(struct server *server);
/* A step's turn: enters when it is this server's and it has something to do; leaves it to the next.
 * Of GPUs of its own nothing. */
void seat_enter(struct server *server);
void seat_leave(struct server *server);
/* Of shared GPUs: whether it has requests to go on with. */
bool seat_has_work(const struct server *server);
/* Whether another waits for the turn. */
bool seat_is_asked_for(const struct server *server);

#endif
