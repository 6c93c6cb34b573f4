/* SPDX-License-Identifier: MIT
 * A batch is filled from those that wait, prefilled as one, and decoded to its last token; only
 * then comes the next (FasterTransformer). Room is reserved for every answer's full length. */
#include "sim/serving/batching/policy.h"

static void pick_batch(struct batch_view *view, struct pick *pick)
{
    if (view->decode_count > 0) {
        pick->decode_steps = UINT32_MAX;
        return;
    }
    const struct service *service = view->desk->service;
    while (batch_has_ready(view) && view->prefill_count < service->max_sequences) {
        uint32_t id = view->desk->waiting.first;
        uint32_t tokens = batch_admit(view, UINT32_MAX, true);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
    }
}

const struct batching_policy policy_static = {
    .name = "static",
    .doc = "A batch is served to its last token before the next one begins.",
    .pick_batch = pick_batch,
};
