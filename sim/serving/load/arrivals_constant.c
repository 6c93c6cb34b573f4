/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

static double next(struct arrival_state *state)
{
    return (double)state->count / state->arrivals->rate;
}

const struct arrival_policy arrivals_constant = {.next = next};
