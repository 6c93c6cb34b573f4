/* SPDX-License-Identifier: MIT
 * Copies between GPUs and their host's memory. Each GPU has a link of its own, and all GPUs of a
 * socket share what the socket's memory gives, and what it carries of both directions at once. All
 * that moves there asks here: offloaded states, swapped caches, tiers, adapters, weights. Two H200
 * of one host measured: tests/validation/host_link/h200x2_host_link.csv. Pure. */
#ifndef CPSIM_MODELS_MACHINE_HOST_LINK_H
#define CPSIM_MODELS_MACHINE_HOST_LINK_H

#include "models/machine/cluster.h"

#include <stdbool.h>
#include <stdint.h>

/* GPUs of a full socket: a node's are dealt out over its sockets, one after the other. */
uint32_t host_socket_gpus(const struct cluster *cluster);

/* What a socket carries for all its GPUs together, both directions counted, B/s; 0: no bound is
 * known. `both`: copies go each way at once. */
double host_socket_rate(const struct cluster *cluster, bool both);

/* What each of `gpus` GPUs of a socket (1 or more) that copy at once reaches, each direction, B/s:
 * its own link's, or its part of the socket's if that is less. */
double host_link_rate(const struct cluster *cluster, uint32_t gpus, bool both);

/* The same of the first `gpus` GPUs of a node or of several, the fullest socket's. */
double host_links_rate(const struct cluster *cluster, uint32_t gpus, bool both);

#endif
