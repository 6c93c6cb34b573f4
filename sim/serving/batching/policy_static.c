/* SPDX-License-Identifier: MIT
 * A batch is filled from those that wait, prefilled as one, and decoded to its last token; only
 * then comes the next (FasterTransformer). Room is reserved for every answer's full length. */
#include "sim/serving/serving.h"

static void pick_batch(struct server *server, struct pick *pick)
{
    if (server->decode_count > 0) {
        pick->decode_steps = UINT32_MAX;
        return;
    }
    const struct service *service = &server->run->serving->service;
    while (server_has_ready(server) && server->prefill_count < service->max_sequences) {
        uint32_t id = server->head->waiting.first;
        uint32_t tokens = server_admit(server, UINT32_MAX, true);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
    }
}

const struct batching_policy policy_static = {
    .name = "static",
    .doc = "A batch is served to its last token before the next one begins.",
    .on_arrival = server_enqueue,
    .pick_batch = pick_batch,
};
