/* SPDX-License-Identifier: MIT
 * KV caches on their way from a replica that prefilled to one that decodes: flows from each GPU to
 * its counterpart over the simulated links, where they meet everybody else's. */
#ifndef CPSIM_SIM_SERVING_REPLICA_KV_MOVE_H
#define CPSIM_SIM_SERVING_REPLICA_KV_MOVE_H

#include "sim/serving/replica/server.h"

/* The request's cache is on `from`; `to` has made room. When the last byte has come the request
 * decodes on `to` and `from` is rid of it. */
void kv_move_start(struct fleet *fleet, struct server *from, struct server *to, uint32_t request);

/* Bytes a second between nodes that a server's cards, `share` of whose rate is left, let one
 * connection have. */
double kv_move_limit(const struct server *server, double share);

/* The GPU of a server's rank, and the account of its stage. */
uint32_t kv_move_gpu(const struct server *server, uint32_t rank, struct stage_totals **stage);

/* Reserves `room` tokens on `to` for a request that waits there, takes it off the queue and sets
 * its KV cache moving; false when there is no room. */
bool kv_move_fetch(struct server *to, uint32_t request, uint64_t room);

/* A request that waits on `to` leaves: its cache was not sent for, and the replica that prefilled
 * it is rid of it. */
void kv_move_forget(struct server *to, uint32_t request);

#endif
