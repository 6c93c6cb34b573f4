/* SPDX-License-Identifier: MIT
 * What the software's file says where a scenario does not: limits of an engine's server by the
 * GPU's memory, the share of memory that it fills. */
#ifndef CPSIM_SIM_SCENARIO_ENGINE_DEFAULTS_H
#define CPSIM_SIM_SCENARIO_ENGINE_DEFAULTS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* After every value has been read: fills `scenario` and the tree, whose other values stay. */
void engine_defaults(struct arena *arena, struct node *root, struct scenario *scenario);

#endif
