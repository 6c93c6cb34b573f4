/* SPDX-License-Identifier: MIT
 * Some replicas prefill, the others decode (DistServe, arXiv 2401.09670; Splitwise, arXiv
 * 2311.18677). A prompt's KV cache moves over the network once its decode replica has room for the
 * whole answer; until then the prefill replica keeps it. */
#include "sim/serving/serving.h"

/* Takes in those whose KV cache can come now. */
static void call_for_caches(struct server *server)
{
    const struct service *service = &server->run->serving->service;
    struct request *requests = server->run->requests;
    while (server->waiting.count > 0 && server_running(server) < service->max_sequences) {
        uint32_t id = server->waiting.first;
        uint64_t room = (uint64_t)requests[id].prompt_tokens + requests[id].output_tokens;
        if (!serving_move_cache(server->run, server, id, room)) {
            return;
        }
    }
}

/* Those whose cache has come decode from now on. */
static void take_landed(struct server *server)
{
    for (uint32_t id; (id = queue_pop(&server->landed, server->run->requests)) != REQUEST_NONE;) {
        struct request *request = &server->run->requests[id];
        request->state = REQUEST_DECODE;
        server->decoding[server->decode_count++] = id;
        server->context_tokens += request->computed_tokens;
        server->incoming--;
    }
}

static void pick_batch(struct server *server, struct pick *pick)
{
    if (server->role == SERVER_PREFILL) {
        policy_prefill_first.pick_batch(server, pick);
        return;
    }
    take_landed(server);
    call_for_caches(server);
    if (server->decode_count > 0) {
        pick->decode_steps = UINT32_MAX;
    }
}

const struct batching_policy policy_disaggregated = {
    .name = "disaggregated",
    .doc = "Some replicas prefill, the others decode; the KV cache moves over the network.",
    .on_arrival = server_enqueue,
    .pick_batch = pick_batch,
};
