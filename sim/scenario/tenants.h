/* SPDX-License-Identifier: MIT
 * `tenants:`, several models on one cluster. A tenant is read as a scenario of its own: the
 * scenario with the tenant's keys laid over it, so that a key means the same in both, and all
 * checks hold for each. Alone it is the plain service: what is said of several is where their GPUs
 * lie (`sharing`) and what draws their requests (the seed, by one more for each). */
#ifndef CPSIM_SIM_SCENARIO_TENANTS_H
#define CPSIM_SIM_SCENARIO_TENANTS_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/expand.h"
#include "sim/scenario/scenario.h"

/* Each tenant's tree, [count], before anything of it is expanded. Nothing but `tenants` is changed
 * in `root`: names that stand for mappings become those. */
struct tenant_trees {
    struct node **trees;
    size_t count;
};
struct tenant_trees tenants_split(const struct expansion *expansion, struct node *root);

/* The seed of one that says none, and its place on the cluster, once those before it are known. */
void tenant_seed(struct arena *arena, struct node *tree, uint64_t seed);
uint32_t tenant_first_gpu(const struct scenario *scenario, const struct scenario *tenant);

/* Once the tenants are read: what they say, as it was understood, takes the place of what was
 * written. */
void tenants_write_back(struct arena *arena, struct node *root, const struct tenant_trees *tenants);

/* What must hold between the tenants, and between them and the scenario. */
void check_tenants(const struct checker *checker);

/* Of a scenario without any. */
void check_no_tenants(const struct checker *checker);

/* Whether tenants have the same GPUs. */
bool tenants_share_gpus(const struct scenario *scenario);

#endif
