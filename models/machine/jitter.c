/* SPDX-License-Identifier: MIT */
#include "models/machine/jitter.h"

#include "models/numeric/order_statistics.h"

#include <math.h>

/* Mean of exp(-|t - s| / T) over all t and s of x T: what of a variance is left of a mean. */
static double left_of_variance(double x)
{
    return x > 1e-4 ? 2.0 * (x + expm1(-x)) / (x * x) : 1.0;
}

double jitter_slowdown(const struct jitter *jitter, const struct jitter_ranks *ranks)
{
    double spread = jitter->spread * jitter->spread;
    double drift = ranks->limited ? jitter->drift * jitter->drift : 0.0;
    double all = spread + drift;
    if (all <= 0.0) {
        return 0.0;
    }
    struct maximum group = normal_maximum(ranks->group);
    double drifts =
        jitter->drift_seconds > 0.0 ? ranks->seconds / jitter->drift_seconds : (double)INFINITY;
    double once = left_of_variance(drifts), twice = left_of_variance(2.0 * drifts);
    double linear = (spread + drift * once) / ranks->group;
    double square = (spread * spread + 2.0 * spread * drift * once + drift * drift * twice) / all;
    double between = linear + (group.variance - 1.0 / ranks->group) * square;
    return sqrt(all) * group.mean + sqrt(between) * normal_maximum(ranks->groups).mean;
}
