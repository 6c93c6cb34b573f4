/* SPDX-License-Identifier: MIT
 * How long the weights of a replica that starts take to come: from the storage, which all that
 * start share, over its nodes' own paths, their network cards and the links between hosts and GPUs,
 * one piece after the other, so that the slowest of them counts. Pure. */
#ifndef CPSIM_MODELS_LAYOUT_COLD_START_H
#define CPSIM_MODELS_LAYOUT_COLD_START_H

#include "models/machine/cluster.h"

#include <stdint.h>

/* Bytes per second at which each of `starting` replicas alike, of `gpus` GPUs, gets its weights.
 * Each GPU gets what it holds; nothing is read twice. */
double cold_start_rate(const struct cluster *cluster, uint32_t gpus, uint32_t starting);

#endif
