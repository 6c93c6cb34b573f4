/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

const struct arrival_policy *const arrival_policies[ARRIVAL_KIND_COUNT] = {
    [ARRIVAL_POISSON] = &arrivals_poisson,   [ARRIVAL_GAMMA] = &arrivals_gamma,
    [ARRIVAL_CONSTANT] = &arrivals_constant, [ARRIVAL_BURST] = &arrivals_burst,
    [ARRIVAL_AT_ONCE] = &arrivals_at_once,   [ARRIVAL_CLOSED_LOOP] = &arrivals_closed_loop,
    [ARRIVAL_TRACE] = &arrivals_trace,
};
