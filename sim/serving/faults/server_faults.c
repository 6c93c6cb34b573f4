/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults/faults.h"

static void drop(struct server *server, uint32_t id)
{
    struct request *request = &server->desk.requests[id];
    bool elsewhere = server->desk.role == SERVER_DECODE && request->state == REQUEST_WAITING;
    kv_cache_release(elsewhere ? &server->fleet->servers[request->home].desk.kv : &server->desk.kv,
                     request);
    request->computed_tokens = 0;
    request->swapped_tokens = 0;
    server->outstanding--;
    fleet_orphaned(server->fleet, id);
}

static void drop_queue(struct server *server, struct request_queue *queue)
{
    for (uint32_t id; (id = queue_pop(queue, server->desk.requests)) != REQUEST_NONE;) {
        drop(server, id);
    }
}

/* A lane lets go of everybody it has. */
static void drop_lane(struct server *server, struct lane *lane)
{
    struct batch_view *view = lane->view;
    uint32_t decodes = view->decode_count, prompts = view->prefill_count;
    view->decode_count = view->prefill_count = 0;
    view->context_tokens = 0;
    lane->swap_seconds = 0.0;
    for (uint32_t i = 0; i < decodes; i++) {
        drop(server, view->decoding[i]);
    }
    for (uint32_t i = 0; i < prompts; i++) {
        drop(server, view->prefilling[i]);
    }
}

void server_fail(struct server *server)
{
    struct batch_desk *desk = &server->desk;
    server->epoch++;
    desk->pending_tokens = 0;
    for (uint32_t i = 0; i < server_lane_count(server); i++) {
        drop_lane(server, &server->lanes[i]);
        server->stage_ends[i] = 0.0;
    }
    desk->incoming -= desk->landed.count;
    drop_queue(server, &desk->landed);
    drop_queue(server, &desk->waiting);
    kv_cache_clear(&desk->kv);
    server_wake(server);
}
