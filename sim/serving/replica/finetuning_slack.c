/* SPDX-License-Identifier: MIT
 * What a step leaves of its target. */
#include "sim/serving/replica/finetuning.h"

#include <math.h>

static double slack(const struct finetuning *says, double seconds)
{
    return fmax(0.0, says->target_seconds - seconds);
}

const struct finetuning_policy finetuning_slack = {.slack = slack};
