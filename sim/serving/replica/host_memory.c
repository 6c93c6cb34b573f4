/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/host_memory.h"

#include "models/machine/host_link.h"
#include "sim/serving/replica/fleet.h"

#include <math.h>

void host_memory_create(struct fleet *fleet)
{
    fleet->sockets = ARENA_ARRAY(fleet->arena, struct host_socket, fleet_gpus(fleet));
}

/* Asks a socket for the bytes of its GPUs; says when it has moved them. */
static double take(struct host_socket *socket, const struct cluster *cluster, enum host_way way,
                   double bytes, double now)
{
    bool both = socket->ends_seconds[way == HOST_OUT ? HOST_IN : HOST_OUT] > now;
    socket->free_seconds =
        fmax(socket->free_seconds, now) + bytes / host_socket_rate(cluster, both);
    return socket->free_seconds;
}

double host_memory_copy(const struct server *server, const struct host_copy *copy)
{
    const struct cluster *cluster = &server->pool->scenario->cluster;
    double rate = copy->rate > 0.0 ? copy->rate : cluster->host_bytes_per_second;
    if (host_socket_rate(cluster, false) <= 0.0) {
        double now = copy->begin_seconds > 0.0 ? engine_clock() : 0.0;
        return fmax(0.0, copy->begin_seconds - now) + copy->bytes / rate;
    }
    double now = engine_clock(), end = fmax(now, copy->begin_seconds) + copy->bytes / rate;
    uint32_t in_socket = host_socket_gpus(cluster), in_node = cluster->gpus_per_node;
    uint32_t gpu = server->first_gpu, last = gpu + copy->gpus;
    while (copy->bytes > 0.0 && gpu < last) { /* a socket after the other */
        uint32_t node = gpu / in_node * in_node, place = (gpu - node) / in_socket * in_socket;
        uint32_t next = node + (place + in_socket < in_node ? place + in_socket : in_node);
        uint32_t here = (next < last ? next : last) - gpu;
        struct host_socket *socket = &server->fleet->sockets[node + place];
        double moved = take(socket, cluster, copy->way, here * copy->bytes, now);
        end = fmax(end, moved);
        socket->ends_seconds[copy->way] = fmax(socket->ends_seconds[copy->way], moved);
        gpu += here;
    }
    return end - now;
}
