/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

#include <math.h>

static double next(struct arrival_state *state)
{
    return state->count < state->arrivals->clients ? 0.0 : (double)INFINITY;
}

const struct arrival_policy arrivals_closed_loop = {.next = next, .follows = true};
