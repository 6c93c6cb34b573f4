/* SPDX-License-Identifier: MIT
 * By thresholds, as Dynamo's load-based planner adds and removes workers (ai-dynamo/dynamo,
 * components/planner, planner_core.py and defaults.py): long queues of prompts while caches are
 * empty enough, or full caches while next to no prompt waits. With a fixed number of GPUs a worker
 * of one kind can be added only where one of the other kind is removed, so both must hold. One
 * moves at a time. The planner's look at where the queue is going is left out. */
#include "sim/serving/replica/switching.h"

static uint32_t prefill(const struct phase_switching *says, const struct phase_loads *loads,
                        const struct phase_counts *counts)
{
    if (counts->moving > 0) {
        return counts->prefill;
    }
    if (loads->waiting > says->waiting_high && loads->cache_share < says->cache_low) {
        return counts->prefill + 1;
    }
    bool full = loads->cache_share > says->cache_high && loads->waiting < says->waiting_low;
    return full && counts->prefill > 0 ? counts->prefill - 1 : counts->prefill;
}

const struct switching_policy switching_load = {.prefill = prefill};
