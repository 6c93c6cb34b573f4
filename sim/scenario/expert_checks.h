/* SPDX-License-Identifier: MIT
 * Whether a layout can deal out a model's experts, and its exchange reach them. */
#ifndef CPSIM_SIM_SCENARIO_EXPERT_CHECKS_H
#define CPSIM_SIM_SCENARIO_EXPERT_CHECKS_H

#include "sim/scenario/checker.h"

void check_expert_layout(const struct checker *checker);

/* So many bytes of a GPU are missing: false, and says so, when copies of experts take as many. */
bool check_room_for_copies(const struct checker *checker, double missing_bytes);

/* Of a layer that has fewest; count 0: none has any. */
struct experts scenario_experts(const struct scenario *scenario);

#endif
