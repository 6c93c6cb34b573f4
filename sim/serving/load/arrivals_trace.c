/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/arrivals.h"

#include <math.h>

static double next(struct arrival_state *state)
{
    const struct request_trace *trace = state->trace;
    return state->count < trace->count ? trace->items[state->count].seconds : (double)INFINITY;
}

const struct arrival_policy arrivals_trace = {.next = next};
