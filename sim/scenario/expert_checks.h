/* SPDX-License-Identifier: MIT
 * Whether a layout can deal out a model's experts, and its exchange reach them. */
#ifndef CPSIM_SIM_SCENARIO_EXPERT_CHECKS_H
#define CPSIM_SIM_SCENARIO_EXPERT_CHECKS_H

#include "sim/scenario/checker.h"

void check_expert_layout(const struct checker *checker);

#endif
