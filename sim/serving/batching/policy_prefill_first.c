/* SPDX-License-Identifier: MIT
 * Whole prompts as soon as there is room for them; decode waits meanwhile (Orca, OSDI 2022; vLLM's
 * first scheduler). */
#include "sim/serving/batching/policy.h"

static void decide(struct batch_view *view, struct decision *decision)
{
    /* A prompt longer than the budget goes alone. */
    while (batch_has_seat(view)) {
        uint64_t most = decision->share_count == 0 ? UINT32_MAX : batch_budget(view, decision);
        if (most == 0 || !batch_admit(view, decision, most, true, false)) {
            break;
        }
    }
    if (decision->admitted_count == 0) {
        batch_continue(view, decision, true, true, UINT64_MAX);
    }
}

const struct batching_policy policy_prefill_first = {
    .decide = decide,
};
