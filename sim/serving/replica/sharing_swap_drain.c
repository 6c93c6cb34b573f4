/* SPDX-License-Identifier: MIT
 * Who has been there long enough serves those that it has let in, and no others while somebody
 * waits: polling with gated service. */
#include "sim/serving/replica/sharing.h"

static double idle_seconds(const struct gpu_sharing *says)
{
    (void)says;
    return 0.0;
}

static double stay_seconds(const struct gpu_sharing *says)
{
    return says->stay_seconds;
}

const struct sharing_policy sharing_swap_drain = {
    .swaps = true, .idle_seconds = idle_seconds, .stay_seconds = stay_seconds};
