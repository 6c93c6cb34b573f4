/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

const struct arrival_policy *const arrival_policies[ARRIVAL_KIND_COUNT] = {ARRIVALS(ROW_OBJECT)};
