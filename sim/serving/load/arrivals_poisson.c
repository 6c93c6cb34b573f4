/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

static double next(struct arrival_state *state)
{
    return state->clock_seconds + random_exponential(&state->random, 1.0 / state->arrivals->rate);
}

const struct arrival_policy arrivals_poisson = {.next = next};
