/* SPDX-License-Identifier: MIT
 * Decode first, then prompts, whole or in part, into what is left of the step's token budget
 * (Sarathi-Serve, arXiv 2403.02310; vLLM v1's scheduler). */
#include "sim/serving/batching/policy.h"

static void continue_prompts(struct batch_view *view, struct pick *pick, uint64_t *budget)
{
    for (uint32_t i = 0; i<view->prefill_count && * budget> 0; i++) {
        struct request *request = &view->desk->requests[view->prefilling[i]];
        uint32_t missing = request_target(request) - request->computed_tokens;
        uint32_t tokens = missing < *budget ? missing : (uint32_t)*budget;
        uint64_t room = (uint64_t)request->computed_tokens + tokens;
        while (!kv_cache_reserve(&view->desk->kv, request, room)) {
            bool last = i + 1 >= view->prefill_count;
            if (last && (view->decode_count > 0 || batch_running(view->desk) == 1)) {
                return; /* it waits for those that decode to end, or gives way to them */
            }
            batch_preempt_last(view);
            if (last) {
                *budget = 0; /* other lanes go on with its pages */
                pick->freed = true;
                return;
            }
        }
        pick_add(pick, view->prefilling[i], tokens);
        *budget -= tokens;
    }
}

static void pick_batch(struct batch_view *view, struct pick *pick)
{
    const struct service *service = view->desk->service;
    bool preempted = batch_make_room(view);
    uint64_t budget = service->max_batched_tokens;
    budget -= view->decode_count < budget ? view->decode_count : budget;
    continue_prompts(view, pick, &budget);
    while (!preempted && budget > 0 && batch_has_ready(view) &&
           batch_running(view->desk) < service->max_sequences) {
        uint32_t id = view->desk->waiting.first;
        uint32_t tokens = batch_admit(view, budget, false);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
        budget -= tokens;
    }
    if (view->decode_count > 0) {
        bool stalled = preempted || (view->prefill_count > 0 && pick->chunk_count == 0);
        pick->decode_steps = stalled ? 1 : UINT32_MAX;
    }
}

const struct batching_policy policy_chunked_prefill = {
    .name = "chunked-prefill",
    .doc = "Decode first, prompts fill what is left of the token budget.",
    .pick_batch = pick_batch,
};
