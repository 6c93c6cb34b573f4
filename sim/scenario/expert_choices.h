/* SPDX-License-Identifier: MIT
 * Which experts tokens chose, token by token: what a placement by what is asked together needs to
 * know, and what says where each token would go under any placement. */
#ifndef CPSIM_SIM_SCENARIO_EXPERT_CHOICES_H
#define CPSIM_SIM_SCENARIO_EXPERT_CHOICES_H

#include "models/kernels/experts.h"
#include "sim/base/arena.h"
#include "sim/base/csv.h"

/* Whether the file has a token a row (columns layer and experts) rather than loads. */
bool expert_choices_are(const struct csv *csv);

/* The mean layer under the routing's placement, ranks and nodes: its fullest rank, and where tokens
 * go when each comes from the next rank. Fills `mean`, whose `shares` have room. False with
 * complaints when a row is wrong, or there is none. */
bool expert_choices_place(const struct csv *csv, struct experts experts,
                          const struct routing *routing, struct expert_loads *mean,
                          struct diagnostics *diagnostics);

#endif
