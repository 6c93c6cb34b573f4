/* SPDX-License-Identifier: MIT
 * Which points share the prices of their steps (sim/serving/batching/price_store.h). Pure. */
#ifndef CPSIM_SIM_SWEEP_PRICE_KIND_H
#define CPSIM_SIM_SWEEP_PRICE_KIND_H

#include "sim/sweep/points.h"

/* The same for points that differ in layout.data, the seed and keys of who comes alone, which no
 * price depends on; any other key may (a service's guesses are part of its steps). Means something
 * in this process and those forked from it only. */
uint64_t price_kind(const struct points *points, uint64_t point);

#endif
