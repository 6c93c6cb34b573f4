/* SPDX-License-Identifier: MIT */
#include "models/machine/host_link.h"

#include <math.h>

uint32_t host_socket_gpus(const struct cluster *cluster)
{
    uint32_t sockets = cluster->host_sockets > 1 ? cluster->host_sockets : 1;
    return (cluster->gpus_per_node + sockets - 1) / sockets;
}

double host_socket_rate(const struct cluster *cluster, bool both)
{
    double memory = cluster->host_memory_bytes_per_second;
    double ways = both ? cluster->host_both_bytes_per_second : 0.0;
    return ways > 0.0 && (memory <= 0.0 || ways < memory) ? ways : memory;
}

double host_link_rate(const struct cluster *cluster, uint32_t gpus, bool both)
{
    double own = cluster->host_bytes_per_second * (both ? cluster->host_both_share : 1.0);
    double shared = host_socket_rate(cluster, both);
    return shared > 0.0 ? fmin(own, shared / ((both ? 2.0 : 1.0) * gpus)) : own;
}

double host_links_rate(const struct cluster *cluster, uint32_t gpus, bool both)
{
    uint32_t in_socket = host_socket_gpus(cluster);
    return host_link_rate(cluster, gpus < in_socket ? gpus : in_socket, both);
}
