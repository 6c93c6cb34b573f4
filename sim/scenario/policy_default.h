/* SPDX-License-Identifier: MIT
 * The batching policy of a service that names none: the software file's. */
#ifndef CPSIM_SIM_SCENARIO_POLICY_DEFAULT_H
#define CPSIM_SIM_SCENARIO_POLICY_DEFAULT_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* After every value has been read: fills `scenario`, and says so in the tree. */
void policy_default(struct node *root, struct scenario *scenario);

#endif
