/* SPDX-License-Identifier: MIT */
#include "models/layout/cold_start.h"

#include "models/machine/host_link.h"

#include <math.h>

double cold_start_rate(const struct cluster *cluster, uint32_t gpus, uint32_t starting)
{
    double nodes = ceil((double)gpus / cluster->gpus_per_node);
    double share = (double)gpus / (nodes * cluster->gpus_per_node); /* of its nodes' cards */
    double cards = share * nodes * cluster->nics_per_node * cluster->nic_bytes_per_second;
    double rate = fmin(cards, gpus * host_links_rate(cluster, gpus, false));
    if (cluster->node_storage_bytes_per_second > 0.0) {
        rate = fmin(rate, share * nodes * cluster->node_storage_bytes_per_second);
    }
    return cluster->storage_bytes_per_second > 0.0
               ? fmin(rate, cluster->storage_bytes_per_second / starting)
               : rate;
}
