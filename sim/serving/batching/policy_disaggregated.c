/* SPDX-License-Identifier: MIT
 * Some replicas prefill, the others decode (DistServe, arXiv 2401.09670; Splitwise, arXiv
 * 2311.18677). A prompt's KV cache moves over the network once its decode replica has room for the
 * whole answer; until then the prefill replica keeps it. */
#include "sim/serving/batching/policy.h"

/* Takes in those whose KV cache can come now. */
static void call_for_caches(struct batch_view *view)
{
    while (batch_has_seat(view)) {
        uint32_t id = view->waiting.first;
        const struct request *request = batch_request(view, id);
        uint64_t room = (uint64_t)request->prompt_tokens + request->output_tokens;
        room += batch_slack(&view->limits);
        if (!view->hooks.fetch(view->hooks.data, id, room)) {
            return;
        }
        if (request->state == REQUEST_MOVING && view->limits.adapters > 0) {
            batch_expect_adapter(view, id, 1);
            batch_count_adapter(view, id);
        }
    }
}

/* Those whose cache has come decode from now on. */
static void take_landed(struct batch_view *view)
{
    for (uint32_t id; (id = queue_pop(&view->landed, view->requests)) != REQUEST_NONE;) {
        batch_expect_adapter(view, id, -1);
        batch_join(view, id);
        view->incoming--;
    }
}

static void decide(struct batch_view *view, struct decision *decision)
{
    if (!view->is_decoder) {
        policy_prefill_first.decide(view, decision);
        return;
    }
    take_landed(view);
    call_for_caches(view);
    batch_continue(view, decision, true, true, UINT64_MAX);
}

const struct batching_policy policy_disaggregated = {
    .decide = decide,
};
