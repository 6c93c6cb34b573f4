/* SPDX-License-Identifier: MIT
 * What a plan file is over: its base scenario's workload says which keys it has and how it is
 * searched. */
#ifndef CPSIM_SIM_PLAN_PLAN_KIND_H
#define CPSIM_SIM_PLAN_PLAN_KIND_H

#include "sim/scenario/scenario.h"

/* The workload of the base scenario that the file at `path` names; a service where it names none
 * that can be read, which whoever loads the plan will say. */
enum workload_kind plan_kind_of(const char *path);

#endif
