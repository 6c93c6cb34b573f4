/* SPDX-License-Identifier: MIT
 * The scheduler of vLLM's V1 engine (Scheduler and AsyncScheduler of vLLM 0.24.0), decision for
 * decision: tests/validation/schedule_vllm holds what vLLM's own decided. There are no prompts and
 * answers to it: each request has tokens that are known and tokens that are computed, and gets what
 * it lacks, first who runs, in the order of admission, then who waits.
 *
 * Sarathi-Serve (arXiv 2403.02310) serves those that decode before prompts under way; otherwise it
 * is the same here. */
#include "sim/serving/batching/policy.h"

static bool anyone_decodes(const struct batch_view *view)
{
    for (uint32_t i = 0; i < view->running_count; i++) {
        if (!batch_request(view, view->running[i])->in_prompt) {
            return true;
        }
    }
    return false;
}

/* Nobody is let in beside one who gave way, even where that would leave room. */
static void admit(struct batch_view *view, struct decision *decision, bool held)
{
    while (batch_has_seat(view) && !held) {
        uint64_t budget = batch_budget(view, decision);
        if (budget == 0 || !batch_admit(view, decision, budget, batch_comes_whole(view), false)) {
            break; /* strictly by the queue's head: nobody behind it is tried */
        }
    }
    view->saturated = held ? view->saturated : view->waiting.count > 0;
}

static void decide_vllm(struct batch_view *view, struct decision *decision)
{
    bool held = view->hold_prompts && !view->saturated && anyone_decodes(view);
    batch_continue(view, decision, true, !held, view->limits.step_tokens);
    if (decision->preempted_count == 0) {
        admit(view, decision, held);
    }
}

static void decide_chunked_prefill(struct batch_view *view, struct decision *decision)
{
    uint64_t budget = view->limits.step_tokens;
    if (batch_continue(view, decision, true, false, budget)) {
        batch_continue(view, decision, false, true, budget);
    }
    if (decision->preempted_count == 0) {
        admit(view, decision, false);
    }
}

const struct batching_policy policy_vllm = {
    .decide = decide_vllm,
};

const struct batching_policy policy_chunked_prefill = {
    .decide = decide_chunked_prefill,
};
