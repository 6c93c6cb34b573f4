/* SPDX-License-Identifier: MIT
 * Who has nothing to do gives way, after a while: a queue is served until it is empty, as in
 * polling with exhaustive service. */
#include "sim/serving/replica/sharing.h"

#include <math.h>

static double idle_seconds(const struct gpu_sharing *says)
{
    return says->idle_seconds;
}

static double stay_seconds(const struct gpu_sharing *says)
{
    (void)says;
    return (double)INFINITY;
}

const struct sharing_policy sharing_swap = {
    .swaps = true, .idle_seconds = idle_seconds, .stay_seconds = stay_seconds};
