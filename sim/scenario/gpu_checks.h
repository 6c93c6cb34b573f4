/* SPDX-License-Identifier: MIT */
#ifndef CPSIM_SIM_SCENARIO_GPU_CHECKS_H
#define CPSIM_SIM_SCENARIO_GPU_CHECKS_H

#include "sim/scenario/checker.h"

/* What a GPU file says against itself: each value may be one of a GPU, and all of them of none. Of
 * the mapping under `key` of the checker's tree ("gpu"). */
void check_gpu(const struct checker *checker, const char *key, const struct gpu *gpu);

#endif
