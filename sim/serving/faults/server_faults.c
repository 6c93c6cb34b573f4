/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving.h"

static void drop(struct server *server, uint32_t id)
{
    struct request *request = &server->run->requests[id];
    bool elsewhere = server->role == SERVER_DECODE && request->state == REQUEST_WAITING;
    kv_cache_release(elsewhere ? &server->run->servers[request->home].kv : &server->head->kv,
                     request);
    request->computed_tokens = 0;
    request->swapped_tokens = 0;
    server->head->outstanding--;
    serving_orphaned(server->run, id);
}

static void drop_queue(struct server *server, struct request_queue *queue)
{
    for (uint32_t id; (id = queue_pop(queue, server->run->requests)) != REQUEST_NONE;) {
        drop(server, id);
    }
}

/* A lane lets go of everybody it has. */
static void drop_lane(struct server *lane)
{
    uint32_t decodes = lane->decode_count, prompts = lane->prefill_count;
    lane->decode_count = lane->prefill_count = 0;
    lane->context_tokens = 0;
    lane->swap_seconds = 0.0;
    for (uint32_t i = 0; i < decodes; i++) {
        drop(lane, lane->decoding[i]);
    }
    for (uint32_t i = 0; i < prompts; i++) {
        drop(lane, lane->prefilling[i]);
    }
}

void server_fail(struct server *server)
{
    server->epoch++;
    server->pending_tokens = 0;
    for (uint32_t i = 0; i < server->run->scenario->layout.pipeline; i++) {
        drop_lane(server->lanes[i]);
        server->stage_ends[i] = 0.0;
    }
    server->incoming -= server->landed.count;
    drop_queue(server, &server->landed);
    drop_queue(server, &server->waiting);
    kv_cache_clear(&server->kv);
    server_wake(server);
}
