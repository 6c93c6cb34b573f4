/* SPDX-License-Identifier: MIT
 * A GPU by its data sheet: a file that says about ten numbers and, with `like`, which measured GPU
 * the rest is taken from, scaled to them. */
#ifndef CPSIM_SIM_SCENARIO_DATA_SHEET_H
#define CPSIM_SIM_SCENARIO_DATA_SHEET_H

#include "sim/scenario/expand.h"

/* Fills a GPU's mapping that says `like`; others are left alone. Its files have been read, its
 * shorthands not. */
void data_sheet_complete(const struct expansion *expansion, struct node *gpu);

/* Fills a cluster's rates from its fabric, which it takes out, and from its GPU (NULL: none). */
void cluster_complete(const struct expansion *expansion, struct node *cluster, struct node *gpu);

/* A file to fill in, of a "gpu" or a "cluster", with what each number means; NULL: of anything
 * else. */
const char *data_sheet_form(const char *key);

#endif
