/* SPDX-License-Identifier: MIT
 * Some replicas prefill, the others decode (DistServe, arXiv 2401.09670; Splitwise, arXiv
 * 2311.18677). A prompt's KV cache moves over the network once its decode replica has room for the
 * whole answer; until then the prefill replica keeps it. */
#include "sim/serving/batching/policy.h"

/* Takes in those whose KV cache can come now. */
static void call_for_caches(struct batch_desk *desk)
{
    while (desk->waiting.count > 0 && batch_running(desk) < desk->service->max_sequences) {
        uint32_t id = desk->waiting.first;
        const struct request *request = &desk->requests[id];
        uint64_t room = (uint64_t)request->prompt_tokens + request->output_tokens;
        if (!desk->hooks.fetch(desk->hooks.data, id, room)) {
            return;
        }
    }
}

/* Those whose cache has come decode from now on. */
static void take_landed(struct batch_view *view)
{
    struct batch_desk *desk = view->desk;
    for (uint32_t id; (id = queue_pop(&desk->landed, desk->requests)) != REQUEST_NONE;) {
        batch_decode(view, id);
        desk->incoming--;
    }
}

static void pick_batch(struct batch_view *view, struct pick *pick)
{
    if (view->desk->role == SERVER_PREFILL) {
        policy_prefill_first.pick_batch(view, pick);
        return;
    }
    take_landed(view);
    call_for_caches(view->desk);
    if (view->decode_count > 0) {
        pick->decode_steps = UINT32_MAX;
    }
}

const struct batching_policy policy_disaggregated = {
    .name = "disaggregated",
    .doc = "Some replicas prefill, the others decode; the KV cache moves over the network.",
    .pick_batch = pick_batch,
};
