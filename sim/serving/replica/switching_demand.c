/* SPDX-License-Identifier: MIT
 * By what each phase asks for, in replicas: prefill as many as compute all prompts that there are
 * within a time, decode as many as have room for all whose prompts are computed. Where both have
 * enough nobody moves; else all are shared out in proportion. In the way of Arrow (arXiv
 * 2505.11916), which goes by predicted first tokens and by running tokens; its thresholds are not
 * ours. */
#include "sim/serving/replica/switching.h"

#include <math.h>

static uint32_t prefill(const struct phase_switching *says, const struct phase_loads *loads,
                        const struct phase_counts *counts)
{
    double prompts = loads->backlog_seconds / says->within_seconds;
    double answers = loads->cache_wanted / says->cache_high;
    if (prompts <= counts->prefill && answers <= counts->decode) {
        return counts->prefill;
    }
    return (uint32_t)round((counts->prefill + counts->decode) * prompts / (prompts + answers));
}

const struct switching_policy switching_demand = {.prefill = prefill};
