/* SPDX-License-Identifier: MIT
 * Low-rank adapters of a service: what must hold, and what they take of a GPU's memory. */
#ifndef CPSIM_SIM_SCENARIO_ADAPTER_CHECKS_H
#define CPSIM_SIM_SCENARIO_ADAPTER_CHECKS_H

#include "models/layout/model_stage.h"
#include "sim/scenario/checker.h"

void adapters_check(const struct checker *checker);

/* The rank that an engine keeps room for and computes with. */
static inline uint32_t adapters_rank(const struct service_adapters *adapters)
{
    return adapters->max_rank > 0 ? adapters->max_rank : adapters->rank;
}

/* Of a GPU of the stage, for as many adapters as a step may have; 0: the service has none. */
double adapters_room_bytes(const struct scenario *scenario, const struct model_stage *stage);

#endif
