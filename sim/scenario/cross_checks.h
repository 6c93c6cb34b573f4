/* SPDX-License-Identifier: MIT
 * What no single value can get wrong alone: the layout must divide the heads, fit the nodes, ...
 * Each complaint points at the line of the value that is easiest to change. */
#ifndef CPSIM_SIM_SCENARIO_CROSS_CHECKS_H
#define CPSIM_SIM_SCENARIO_CROSS_CHECKS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* `tree` is the resolved tree that `scenario` was read from. Values that could not be read are zero
 * and are passed over: they have been complained about. */
void scenario_cross_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                          struct diagnostics *diagnostics);

/* What a layout and a training run can get wrong, of a scenario whose `layout` and `training` were
 * changed after it was loaded: all but whether it fits the memory. `tree` is for marks alone. */
void scenario_check_layout(const struct scenario *scenario, struct node *tree, struct arena *arena,
                           struct diagnostics *diagnostics);

#endif
