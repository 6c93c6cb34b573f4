/* SPDX-License-Identifier: MIT
 * A fixed share of each step's time, which the step is longer by. */
#include "sim/serving/replica/finetuning.h"

static double slack(const struct finetuning *says, double seconds)
{
    return seconds * says->share / (1.0 - says->share);
}

const struct finetuning_policy finetuning_share = {.slack = slack};
