/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/view.h"

#include <math.h>

void batch_desk_create(struct batch_desk *desk, struct arena *arena, const struct service *service,
                       enum server_role role, uint32_t lanes)
{
    *desk = (struct batch_desk){
        .service = service,
        .role = role,
        .waiting = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .landed = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .views = ARENA_ARRAY(arena, struct batch_view, lanes),
        .view_count = lanes,
    };
    for (uint32_t i = 0; i < lanes; i++) {
        desk->views[i] = (struct batch_view){
            .desk = desk,
            .decoding = ARENA_ARRAY(arena, uint32_t, service->max_sequences + 1),
            .prefilling = ARENA_ARRAY(arena, uint32_t, service->max_sequences + 1),
            .closed_seconds = (double)INFINITY,
        };
    }
}

uint32_t batch_running(const struct batch_desk *desk)
{
    uint32_t running = desk->incoming;
    for (uint32_t i = 0; i < desk->view_count; i++) {
        running += desk->views[i].decode_count + desk->views[i].prefill_count;
    }
    return running;
}

bool batch_has_ready(const struct batch_view *view)
{
    const struct batch_desk *desk = view->desk;
    return desk->waiting.count > 0 &&
           desk->requests[desk->waiting.first].queued_seconds <= view->closed_seconds;
}

void pick_add(struct pick *pick, uint32_t request, uint32_t tokens)
{
    pick->chunks[pick->chunk_count++] = (struct chunk){.request = request, .tokens = tokens};
}

void batch_preempt_last(struct batch_view *view)
{
    struct batch_desk *desk = view->desk;
    bool prefilling = view->prefill_count > 0;
    uint32_t id =
        prefilling ? view->prefilling[--view->prefill_count] : view->decoding[--view->decode_count];
    struct request *request = batch_request(view, id);
    if (!prefilling) {
        view->context_tokens -= request->computed_tokens;
    }
    if (desk->service->preemption == PREEMPTION_SWAP && !prefilling) {
        request->swapped_tokens = request->computed_tokens;
        desk->hooks.swap(desk->hooks.data, view, request->computed_tokens);
    }
    kv_cache_release(&desk->kv, request);
    desk->pending_tokens += request->computed_tokens + (prefilling ? 0 : 1);
    request->computed_tokens = 0;
    request->state = REQUEST_WAITING;
    request->preemptions++;
    desk->preemptions++;
    queue_push_front(&desk->waiting, desk->requests, id);
}

bool batch_make_room(struct batch_view *view)
{
    bool preempted = false;
    for (uint32_t i = 0; i < view->decode_count; i++) {
        struct request *request = batch_request(view, view->decoding[i]);
        while (
            i < view->decode_count &&
            !kv_cache_reserve(&view->desk->kv, request, (uint64_t)request->computed_tokens + 1)) {
            batch_preempt_last(view);
            preempted = true;
        }
    }
    return preempted;
}

uint32_t batch_admit(struct batch_view *view, uint64_t tokens, bool whole_answer)
{
    struct batch_desk *desk = view->desk;
    uint32_t id = desk->waiting.first;
    struct request *request = batch_request(view, id);
    bool swapped = request->swapped_tokens > 0;
    uint32_t cached = swapped ? request->swapped_tokens : kv_cache_match(&desk->kv, request);
    uint32_t missing = request_target(request) - cached;
    uint32_t chunk = missing < tokens ? missing : (uint32_t)tokens;
    uint64_t room = (uint64_t)cached + chunk;
    if (whole_answer) {
        room = (uint64_t)request->prompt_tokens + request->output_tokens;
    }
    if (!swapped) {
        kv_cache_take_prefix(&desk->kv, request, cached);
    }
    if (!kv_cache_reserve(&desk->kv, request, room)) {
        kv_cache_release(&desk->kv, request);
        return 0;
    }
    queue_pop(&desk->waiting, desk->requests);
    request->state = REQUEST_PREFILL;
    desk->pending_tokens -= cached;
    if (swapped) { /* its KV cache comes back from the host's memory, and it decodes on */
        desk->hooks.swap(desk->hooks.data, view, request->swapped_tokens);
        request->swapped_tokens = 0;
    }
    request->computed_tokens = cached;
    if (request->scheduled_seconds < 0.0) {
        request->scheduled_seconds = desk->now_seconds;
        request->cached_tokens = cached;
    }
    view->prefilling[view->prefill_count++] = id;
    return chunk;
}

void batch_decode(struct batch_view *view, uint32_t id)
{
    batch_request(view, id)->state = REQUEST_DECODE;
    view->decoding[view->decode_count++] = id;
    view->context_tokens += batch_request(view, id)->computed_tokens;
}
