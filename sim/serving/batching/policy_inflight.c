/* SPDX-License-Identifier: MIT
 * In-flight batching as TensorRT-LLM's batch manager does it (Executor API,
 * CapacitySchedulerPolicy): those that decode go first, whole prompts fill what is left of the
 * step's tokens. Which prompts may come at all is the capacity scheduler's to say. */
#include "sim/serving/batching/policy.h"

static void decide(struct batch_view *view, struct decision *decision, bool to_the_end)
{
    uint64_t budget = view->limits.step_tokens;
    if (!batch_continue(view, decision, true, false, budget) ||
        !batch_continue(view, decision, false, true, budget) || decision->preempted_count > 0) {
        return; /* nobody is let in beside one who gave way */
    }
    while (batch_has_seat(view) && !view->hold_prompts) {
        uint64_t most = batch_budget(view, decision);
        if (most == 0 || !batch_admit(view, decision, most, batch_comes_whole(view), to_the_end)) {
            break;
        }
    }
}

static void decide_no_evict(struct batch_view *view, struct decision *decision)
{
    decide(view, decision, true);
}

static void decide_max_utilization(struct batch_view *view, struct decision *decision)
{
    decide(view, decision, false);
}

const struct batching_policy policy_no_evict = {
    .decide = decide_no_evict,
};

const struct batching_policy policy_max_utilization = {
    .decide = decide_max_utilization,
};
