/* SPDX-License-Identifier: MIT
 * What the software's file says where a scenario does not: an engine's batching policy, limits of
 * its server by the GPU's memory, the share of memory that it fills; and what the client's does:
 * how many requests, and from where on lengths are drawn. */
#ifndef CPSIM_SIM_SCENARIO_ENGINE_DEFAULTS_H
#define CPSIM_SIM_SCENARIO_ENGINE_DEFAULTS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* After every value has been read: fills `scenario` and the tree, whose other values stay. */
void engine_defaults(struct arena *arena, struct node *root, struct scenario *scenario);

#endif
