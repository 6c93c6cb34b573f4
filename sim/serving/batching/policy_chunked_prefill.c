/* SPDX-License-Identifier: MIT
 * Decode first, then prompts, whole or in part, into what is left of the step's token budget
 * (Sarathi-Serve, arXiv 2403.02310; vLLM v1's scheduler). */
#include "sim/serving/serving.h"

static void continue_prompts(struct server *server, struct pick *pick, uint64_t *budget)
{
    for (uint32_t i = 0; i<server->prefill_count && * budget> 0; i++) {
        struct request *request = &server->run->requests[server->prefilling[i]];
        uint32_t missing = request_target(request) - request->computed_tokens;
        uint32_t tokens = missing < *budget ? missing : (uint32_t)*budget;
        uint64_t room = (uint64_t)request->computed_tokens + tokens;
        while (!kv_cache_reserve(&server->head->kv, request, room)) {
            bool last = i + 1 >= server->prefill_count;
            if (last && (server->decode_count > 0 || server_running(server) == 1)) {
                return; /* it waits for those that decode to end, or gives way to them */
            }
            server_preempt_last(server);
            if (last) {
                *budget = 0; /* other lanes go on with its pages */
                server_wake(server);
                return;
            }
        }
        pick_add(pick, server->prefilling[i], tokens);
        *budget -= tokens;
    }
}

static void pick_batch(struct server *server, struct pick *pick)
{
    const struct service *service = &server->run->serving->service;
    bool preempted = server_make_room(server);
    uint64_t budget = service->max_batched_tokens;
    budget -= server->decode_count < budget ? server->decode_count : budget;
    continue_prompts(server, pick, &budget);
    while (!preempted && budget > 0 && server_has_ready(server) &&
           server_running(server) < service->max_sequences) {
        uint32_t id = server->head->waiting.first;
        uint32_t tokens = server_admit(server, budget, false);
        if (tokens == 0) {
            break;
        }
        pick_add(pick, id, tokens);
        budget -= tokens;
    }
    if (server->decode_count > 0) {
        bool stalled = preempted || (server->prefill_count > 0 && pick->chunk_count == 0);
        pick->decode_steps = stalled ? 1 : UINT32_MAX;
    }
}

const struct batching_policy policy_chunked_prefill = {
    .name = "chunked-prefill",
    .doc = "Decode first, prompts fill what is left of the token budget.",
    .on_arrival = server_enqueue,
    .pick_batch = pick_batch,
};
