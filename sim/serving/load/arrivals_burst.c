/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

#include <math.h>

static double next(struct arrival_state *state)
{
    return floor((double)state->count / state->arrivals->burst) * state->arrivals->period_seconds;
}

const struct arrival_policy arrivals_burst = {.next = next};
