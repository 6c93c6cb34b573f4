/* SPDX-License-Identifier: MIT
 * KV caches that outlive a GPU (service.protection): when a GPU of a replica fails, requests whose
 * caches are safe stay with the replica, and what the GPU held of them is made again when it is
 * back, one request after the other, before they are computed on. */
#ifndef CPSIM_SIM_SERVING_REPLICA_PROTECTION_H
#define CPSIM_SIM_SERVING_REPLICA_PROTECTION_H

#include "sim/serving/replica/server.h"

/* After the servers; nothing when the service keeps nothing. */
void protection_create(struct fleet *fleet);

/* Tokens of a running request's cache that outlive a GPU of its server; 0: it begins again. */
uint64_t protection_safe(const struct server *server, uint32_t request);

/* Seconds from a chunk's end until it is safe. */
double protection_chunk_seconds(const struct fleet *fleet);

#endif
