/* SPDX-License-Identifier: MIT
 * KV caches on their way from a replica that prefilled to one that decodes: flows from each GPU to
 * its counterpart over the simulated links, where they meet everybody else's. */
#ifndef CPSIM_SIM_SERVING_REPLICA_KV_MOVE_H
#define CPSIM_SIM_SERVING_REPLICA_KV_MOVE_H

#include "sim/serving/replica/server.h"

/* The request's cache is on `from`; `to` has made room. When the last byte has come the request
 * decodes on `to` and `from` is rid of it. */
void kv_move_start(struct serving_run *run, struct server *from, struct server *to,
                   uint32_t request);

#endif
