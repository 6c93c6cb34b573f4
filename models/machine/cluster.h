/* SPDX-License-Identifier: MIT
 * A cluster: nodes of GPUs, joined by NVLink inside and by network cards (NICs) between. The values
 * come from platforms/clusters/ *.yaml, each with its source. All rates are per direction and
 * physical: what a library makes of them is in models/machine/collective_library.h. */
#ifndef CPSIM_MODELS_MACHINE_CLUSTER_H
#define CPSIM_MODELS_MACHINE_CLUSTER_H

#include <stdint.h>

/* Clusters alike, each the whole of a struct cluster, joined by links of their own. */
struct cluster_sites {
    uint32_t count;
    double bytes_per_second; /* of one site's link to the others, each direction */
    double latency_seconds;  /* one way */
};

struct cluster {
    const char *name;
    uint32_t nodes, gpus_per_node;
    uint32_t nics_per_node;             /* divides gpus_per_node: GPU g uses NIC g * nics / gpus */
    double node_bytes_per_second;       /* NVLink, one GPU */
    double nic_bytes_per_second;        /* one NIC */
    double connection_bytes_per_second; /* payload that one connection between two GPUs of different
                                           nodes reaches alone; two connections may fill the NIC. 0:
                                           the NIC's rate */
    double host_bytes_per_second;       /* one GPU and its host's memory, each direction */
    double host_both_share;             /* of it that is left when both directions are busy */
    uint32_t host_sockets;              /* of a node, which share its GPUs; 0: one */
    double host_memory_bytes_per_second; /* a socket's memory for all its GPUs, both directions
                                            counted; 0: unknown, never a bound */
    double host_both_bytes_per_second;   /* of that, while copies go each way; 0: all of it */
    double host_memory_bytes;            /* of a node; 0: unknown */
    double fabric_latency_seconds;       /* of this fabric, once a hop */
    double fabric_spread_seconds; /* packets on many paths arrive unevenly: the lag of the last
                                     after 1 MB of one NIC; it grows as the root of the bytes */
    uint32_t nodes_per_leaf; /* nodes under one leaf switch (or one set of rail switches: GPUs in
                                the same place of their nodes share a leaf); 0: one flat
                                non-blocking fabric */
    double oversubscription; /* of a leaf's uplinks. 1: non-blocking; 7: Llama 3's cluster at its
                                top layer */
    struct cluster_sites sites;
    double storage_bytes_per_second;      /* that a job writes checkpoints at, in all; 0: unknown */
    double node_storage_bytes_per_second; /* that one node writes at; 0: it never bounds */
};

/* Nodes of a platform from `first_node` on, as far as the next kind's, whose links are those of a
 * cluster of their own; it has as many GPUs and cards a node as the platform's. */
struct node_links {
    uint32_t first_node;
    const struct cluster *cluster;
};

#endif
