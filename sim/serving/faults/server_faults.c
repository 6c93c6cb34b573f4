/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults/faults.h"

#include "sim/serving/replica/protection.h"
#include "sim/serving/replica/router.h"

static void let_go(struct server *server, uint32_t id)
{
    struct request *request = &server->view.requests[id];
    bool elsewhere = server->role == SERVER_DECODE && request->state == REQUEST_WAITING;
    kv_cache_release(elsewhere ? &server->fleet->servers[request->home].view.kv : &server->view.kv,
                     request);
    request->computed_tokens = request->swapped_tokens = request->safe_tokens = 0;
    request->expected_tokens = request->draft_tokens = request->pending_tokens = 0;
    router_count(server, -1);
}

static void drop(struct server *server, uint32_t id)
{
    let_go(server, id);
    fleet_orphaned(server->fleet, id);
}

/* Those among the running whose caches outlive the failure, at the front of the list. */
static uint32_t drop_running(struct server *server, uint32_t running, bool keeps)
{
    uint32_t *ids = server->view.running, kept = 0;
    for (uint32_t i = 0; i < running; i++) {
        uint64_t safe = keeps ? protection_safe(server, ids[i]) : 0;
        if (safe == 0) {
            drop(server, ids[i]);
            continue;
        }
        let_go(server, ids[i]);
        server->view.requests[ids[i]].safe_tokens = (uint32_t)safe;
        ids[kept++] = ids[i];
    }
    return kept;
}

static void drop_queue(struct server *server, struct request_queue *queue)
{
    for (uint32_t id; (id = queue_pop(queue, server->view.requests)) != REQUEST_NONE;) {
        drop(server, id);
    }
}

void server_fail(struct server *server, bool keeps)
{
    struct batch_view *view = &server->view;
    batch_fail(view);
    uint32_t running = view->running_count;
    server->epoch++;
    view->pending_tokens = 0;
    view->running_count = 0;
    uint32_t kept = drop_running(server, running, keeps);
    view->incoming -= view->landed.count;
    for (uint32_t id = view->landed.first; id != REQUEST_NONE; id = view->requests[id].next) {
        batch_expect_adapter(view, id, -1);
    }
    drop_queue(server, &view->landed);
    drop_queue(server, &view->waiting);
    kv_cache_clear(&view->kv);
    adapter_store_clear(&server->adapters);
    tiers_fail(server);
    for (uint32_t i = 0; i < server->lane_count; i++) {
        server->stage_ends[i] = 0.0;
    }
    for (uint32_t i = 0; i < kept; i++) {
        server_submit(server, view->running[i]);
    }
    server_wake(server);
}
