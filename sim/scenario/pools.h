/* SPDX-License-Identifier: MIT
 * `pools:`, what either kind of a service's replicas says otherwise. A pool is read as a scenario
 * of its own: the scenario with the pool's keys laid over it, so that a key means the same in both,
 * and all checks hold for each. */
#ifndef CPSIM_SIM_SCENARIO_POOLS_H
#define CPSIM_SIM_SCENARIO_POOLS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/expand.h"
#include "sim/scenario/scenario.h"

extern const char *const pool_names[POOL_COUNT];

/* Each pool's tree, before anything of it is expanded; NULL: the scenario has no pools. Nothing but
 * `pools` is changed in `root`: names that stand for mappings become those. */
struct pool_trees {
    struct node *trees[POOL_COUNT];
};
struct pool_trees pools_split(const struct expansion *expansion, struct node *root);

/* Once the pools are read: what they say, as it was understood, takes the place of what was
 * written. */
void pools_write_back(struct arena *arena, struct node *root, const struct pool_trees *pools);

/* What must hold between the pools, and between them and the scenario. */
void check_pool_scenarios(const struct checker *checker);

#endif
