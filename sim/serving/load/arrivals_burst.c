/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

#include <math.h>

static double next(struct arrival_state *state)
{
    const struct arrivals *says = state->arrivals;
    return says->first_seconds + floor((double)state->count / says->burst) * says->period_seconds;
}

const struct arrival_policy arrivals_burst = {.next = next};
