/* SPDX-License-Identifier: MIT
 * A rate that grows from request to request, as vLLM's bench serve ramps it up. */
#include "sim/serving/load/arrivals.h"

#include <math.h>

/* Requests a second when the k-th request (from 0) is drawn: `progress` k / (steps - 1). */
static double rate_at(const struct arrivals *arrivals, uint64_t k)
{
    uint64_t last = arrivals->steps > 1 ? arrivals->steps - 1 : 1;
    double progress = k < last ? (double)k / (double)last : 1.0;
    return arrivals->exponential
               ? arrivals->rate * pow(arrivals->last_rate / arrivals->rate, progress)
               : arrivals->rate + progress * (arrivals->last_rate - arrivals->rate);
}

static double next(struct arrival_state *state)
{
    double mean = 1.0 / rate_at(state->arrivals, state->count);
    double variance = state->arrivals->variation * state->arrivals->variation;
    double between =
        variance > 0.0 ? random_gamma(&state->random, 1.0 / variance, variance * mean) : mean;
    return state->clock_seconds + between;
}

const struct arrival_policy arrivals_ramp = {.next = next};
