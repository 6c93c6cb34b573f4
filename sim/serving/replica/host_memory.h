/* SPDX-License-Identifier: MIT
 * The memory of the hosts' sockets during a service: all that servers move to it and from it,
 * swaps, tiers, adapters, recoveries, goes through here (models/machine/host_link.h has the rates).
 * A socket serves whole copies in the order in which they are asked for: together they take as long
 * as they would side by side, though the first is done sooner. Copies one way while others go the
 * other way find what is left of a socket then. */
#ifndef CPSIM_SIM_SERVING_REPLICA_HOST_MEMORY_H
#define CPSIM_SIM_SERVING_REPLICA_HOST_MEMORY_H

#include <stdint.h>

struct fleet;
struct server;

enum host_way { HOST_OUT, HOST_IN, HOST_WAYS };

/* A socket, by its first GPU. */
struct host_socket {
    double free_seconds;            /* all that was asked for has been moved */
    double ends_seconds[HOST_WAYS]; /* of the last copy that way */
};

struct host_copy {
    enum host_way way;
    uint32_t gpus;        /* of the server's, from its first on */
    double bytes;         /* of each */
    double rate;          /* of each one's link, B/s; 0: the cluster's */
    double begin_seconds; /* when their links are free; 0: now */
};

void host_memory_create(struct fleet *fleet);

/* Seconds from now until the copy is done, others before it counted. */
double host_memory_copy(const struct server *server, const struct host_copy *copy);

#endif
