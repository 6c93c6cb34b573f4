/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/policy.h"

const struct batching_policy *const batching_policies[BATCHING_KIND_COUNT] = {
    BATCHING_POLICIES(ROW_OBJECT)};
