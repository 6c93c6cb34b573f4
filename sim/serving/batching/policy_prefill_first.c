/* SPDX-License-Identifier: MIT
 * Whole prompts as soon as there is room for them; decode waits meanwhile (Orca, OSDI 2022; vLLM's
 * first scheduler). */
#include "sim/serving/serving.h"

static void pick_batch(struct server *server, struct pick *pick)
{
    const struct service *service = &server->run->serving->service;
    uint64_t budget = service->max_batched_tokens;
    while (budget > 0 && server_has_ready(server) &&
           server_running(server) < service->max_sequences) {
        uint32_t id = server->head->waiting.first;
        const struct request *request = &server->run->requests[id];
        /* A prompt longer than the budget goes alone. */
        if (pick->chunk_count > 0 && request_target(request) > budget) {
            break;
        }
        uint32_t tokens = server_admit(server, UINT32_MAX, false);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
        budget -= tokens < budget ? tokens : budget;
    }
    if (pick->chunk_count == 0 && server->decode_count > 0) {
        bool preempted = server_make_room(server);
        pick->decode_steps = server->decode_count == 0 ? 0 : preempted ? 1 : UINT32_MAX;
    }
}

const struct batching_policy policy_prefill_first = {
    .name = "prefill-first",
    .doc = "Whole prompts as soon as there is room, decode waits for them.",
    .on_arrival = server_enqueue,
    .pick_batch = pick_batch,
};
