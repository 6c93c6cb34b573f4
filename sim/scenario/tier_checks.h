/* SPDX-License-Identifier: MIT
 * The prefix cache below the GPUs (service.tiers): what must hold. */
#ifndef CPSIM_SIM_SCENARIO_TIER_CHECKS_H
#define CPSIM_SIM_SCENARIO_TIER_CHECKS_H

#include "sim/scenario/checker.h"

void tiers_check(const struct checker *checker);

#endif
