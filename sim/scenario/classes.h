/* SPDX-License-Identifier: MIT
 * Classes of requests: what a class leaves out is the workload's, and what must hold between them.
 */
#ifndef CPSIM_SIM_SCENARIO_CLASSES_H
#define CPSIM_SIM_SCENARIO_CLASSES_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/checker.h"

/* Lays what the workload says of every request under each class of the tree, before it is read. */
void classes_inherit(struct arena *arena, struct node *root);

/* After it is read: which classes have arrivals of their own. */
void classes_finish(struct node *root, struct serving *serving);

void classes_check(const struct checker *checker);

/* The path of a class's key, or of the workload's where there are no classes. */
const char *class_path(const struct checker *checker, size_t index, const char *key);

#endif
