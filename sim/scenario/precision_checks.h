/* SPDX-License-Identifier: MIT
 * What must fit together in `precision:`. */
#ifndef CPSIM_SIM_SCENARIO_PRECISION_CHECKS_H
#define CPSIM_SIM_SCENARIO_PRECISION_CHECKS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* Complains at the value's place in `tree` of formats that make no sense for a class of tensor,
 * scales that are missing or that nothing takes, and blocks that do not divide. */
void precision_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                     struct diagnostics *diagnostics);

#endif
