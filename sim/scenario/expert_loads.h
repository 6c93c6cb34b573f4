/* SPDX-License-Identifier: MIT
 * Measured loads of experts: a file's layers, each with its experts placed on ranks, and what is
 * left of them on the rank that has most to do. */
#ifndef CPSIM_SIM_SCENARIO_EXPERT_LOADS_H
#define CPSIM_SIM_SCENARIO_EXPERT_LOADS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* Reads the file that the scenario's routing names, if it is measured, and places its experts. What
 * is wrong with it is on `diagnostics`. When a check of the layout will fail, nothing is read. */
void expert_loads_read(struct arena *arena, struct node *tree, struct scenario *scenario,
                       struct diagnostics *diagnostics);

#endif
