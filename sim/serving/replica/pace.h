/* SPDX-License-Identifier: MIT
 * How a replica's GPUs run against the GPU in the middle (gpu.jitter, with `jitter: true`): ranks
 * that wait for each other in every layer have the pace of the slowest. Each stage's slowest GPU is
 * drawn once; where the power limit holds, the slowest's drift is drawn step by step. */
#ifndef CPSIM_SIM_SERVING_REPLICA_PACE_H
#define CPSIM_SIM_SERVING_REPLICA_PACE_H

#include "models/numeric/random.h"
#include "sim/scenario/scenario.h"

#include <stdint.h>

struct pace {
    const struct scenario *scenario; /* NULL: all GPUs are alike */
    struct random_stream stream;
    double mean, deviation; /* of the largest drift among ranks, relative */
    double drift;           /* of it now, in deviations */
    double since_seconds;
};

/* Of server `index`. */
void pace_open(struct pace *pace, const struct scenario *scenario, uint32_t index);
/* The next stage's time over that of GPUs in the middle, for good. */
double pace_of_stage(struct pace *pace);
/* Of a step that begins now and draws `watts` a GPU, over the stage's. */
double pace_of_step(struct pace *pace, double watts, double now);

#endif
