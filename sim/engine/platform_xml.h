/* SPDX-License-Identifier: MIT
 * A cluster as a SimGrid platform: one host a GPU ("gpu0", "gpu1", ...), one split-duplex link a
 * GPU for NVLink and one a network card, no latency on any link (SimGrid shares a bottleneck by
 * latency; ours is paid before a flow starts). A fabric that cannot bind has no link of its own: a
 * shared link would couple all flows in SimGrid's solver. */
#ifndef CPSIM_SIM_ENGINE_PLATFORM_XML_H
#define CPSIM_SIM_ENGINE_PLATFORM_XML_H

#include "models/machine/cluster.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Names of the links, before the number of their GPU, that hold each flow a GPU sends to a rate
 * (fat pipes: no flow shares them). The player sets the rate; it starts unlimited. */
#define PLATFORM_NODE_LIMITER "node-limit"
#define PLATFORM_FABRIC_LIMITER "fabric-limit"
#define PLATFORM_UNLIMITED 1e18 /* bytes per second */

/* Before the names of a GPU's hosts and limiters beyond the first (engine.h's lanes): a way out
 * with a rate of its own over the same links. */
#define PLATFORM_LANE "lane%" PRIu32 "."

/* Nodes of a platform: the first so many of a cluster, some perhaps with links of another. One that
 * is made in SimGrid (platform_zone.h) may leave some out. */
struct platform_nodes {
    const struct cluster *cluster;
    const struct node_links *kinds; /* [kind_count], in order; none: all are the cluster's */
    uint32_t kind_count;
    uint32_t nodes;
    const uint32_t *made; /* [made_count] numbers of the nodes that are made; NULL: all */
    uint32_t made_count;
};

#ifdef __cplusplus
extern "C" {
#endif

/* The cluster whose links a node has. */
const struct cluster *platform_cluster(const struct platform_nodes *platform, uint32_t node);

/* How nodes are grouped: under one leaf switch where the cluster has any. */
struct platform_groups {
    uint32_t nodes, count; /* of a group but perhaps the last; groups */
    bool blocks;           /* what leaves a group may fill its uplinks */
    double uplink_bytes_per_second;
};
struct platform_groups groups_of_platform(const struct platform_nodes *platform);

/* Writes their platform, each GPU with `lanes` ways out. */
void platform_xml_write(const struct platform_nodes *platform, uint32_t lanes, FILE *stream);

#ifdef __cplusplus
}
#endif

#endif
