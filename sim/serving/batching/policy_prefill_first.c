/* SPDX-License-Identifier: MIT
 * Whole prompts as soon as there is room for them; decode waits meanwhile (Orca, OSDI 2022; vLLM's
 * first scheduler). */
#include "sim/serving/batching/policy.h"

static void pick_batch(struct batch_view *view, struct pick *pick)
{
    const struct service *service = view->desk->service;
    uint64_t budget = service->max_batched_tokens;
    while (budget > 0 && batch_has_ready(view) &&
           batch_running(view->desk) < service->max_sequences) {
        uint32_t id = view->desk->waiting.first;
        const struct request *request = &view->desk->requests[id];
        /* A prompt longer than the budget goes alone. */
        if (pick->chunk_count > 0 && request_target(request) > budget) {
            break;
        }
        uint32_t tokens = batch_admit(view, UINT32_MAX, false);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
        budget -= tokens < budget ? tokens : budget;
    }
    if (pick->chunk_count == 0 && view->decode_count > 0) {
        bool preempted = batch_make_room(view);
        pick->decode_steps = view->decode_count == 0 ? 0 : preempted ? 1 : UINT32_MAX;
    }
}

const struct batching_policy policy_prefill_first = {
    .name = "prefill-first",
    .doc = "Whole prompts as soon as there is room, decode waits for them.",
    .pick_batch = pick_batch,
};
