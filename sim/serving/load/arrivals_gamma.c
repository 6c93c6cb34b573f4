/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

static double next(struct arrival_state *state)
{
    double variance = state->arrivals->variation * state->arrivals->variation;
    return state->clock_seconds +
           random_gamma(&state->random, 1.0 / variance, variance / state->arrivals->rate);
}

const struct arrival_policy arrivals_gamma = {.next = next};
