/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/pace.h"

#include "models/numeric/order_statistics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A step is held up by the power limit when it draws nearly that. */
static const double at_limit = 0.99;

static uint32_t ranks_of(const struct scenario *scenario)
{
    return scenario->layout.tensor * scenario->layout.context;
}

void pace_open(struct pace *pace, const struct scenario *scenario, uint32_t index)
{
    *pace = (struct pace){0};
    if (!scenario->jitter) {
        return;
    }
    char name[32];
    snprintf(name, sizeof name, "jitter.%" PRIu32, index);
    struct maximum slowest = normal_maximum(ranks_of(scenario));
    *pace = (struct pace){
        .scenario = scenario,
        .stream = random_open(scenario->seed, name),
        .mean = scenario->gpu.jitter.drift * slowest.mean,
        .deviation = scenario->gpu.jitter.drift * sqrt(slowest.variance),
        .since_seconds = -INFINITY,
    };
}

double pace_of_stage(struct pace *pace)
{
    if (pace->scenario == NULL) {
        return 1.0;
    }
    double slowest = -INFINITY;
    uint32_t ranks = ranks_of(pace->scenario);
    for (uint32_t i = 0; i < ranks; i++) {
        slowest = fmax(slowest, random_normal(&pace->stream));
    }
    return fmax(1.0 + pace->scenario->gpu.jitter.spread * slowest, 0.0);
}

double pace_of_step(struct pace *pace, double watts, double now)
{
    if (pace->scenario == NULL || watts < at_limit * pace->scenario->gpu.power_limit_watts) {
        return 1.0;
    }
    double time = pace->scenario->gpu.jitter.drift_seconds;
    double kept = time > 0.0 ? exp((pace->since_seconds - now) / time) : 0.0;
    pace->drift = kept * pace->drift + sqrt(1.0 - kept * kept) * random_normal(&pace->stream);
    pace->since_seconds = now;
    return fmax(1.0 + pace->mean + pace->deviation * pace->drift, 0.0);
}
