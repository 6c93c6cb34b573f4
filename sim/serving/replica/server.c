/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/server.h"

#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/kv_move.h"
#include "sim/serving/replica/lanes.h"

#include <assert.h>
#include <math.h>

static struct request *request_of(const struct server *server, uint32_t id)
{
    return &server->desk.requests[id];
}

/* Seconds to move KV between each GPU and its host: each has a link of its own, so nothing contends
 * but what is swapped before the same step, which goes one after the other. */
static void swap(void *data, const struct batch_view *view, uint32_t tokens)
{
    struct server *server = data;
    const struct fleet *fleet = server->fleet;
    double shard = (double)context_cached_tokens(tokens, fleet->scenario->layout.context);
    double own = fleet->serving->service.swap_bytes_per_second;
    double rate = own > 0.0 ? own : fleet->scenario->cluster.host_bytes_per_second;
    server->totals.swapped_bytes +=
        fleet->kv_bytes_per_token * (double)tokens * fleet->scenario->layout.tensor;
    server->lanes[view - server->desk.views].swap_seconds +=
        fleet->kv_bytes_per_token * shard / rate;
}

static bool fetch(void *data, uint32_t id, uint64_t room)
{
    return kv_move_fetch(data, id, room);
}

void server_create(struct server *server, struct fleet *fleet, uint32_t index,
                   enum server_role role)
{
    const struct service *service = &fleet->serving->service;
    struct arena *arena = fleet->arena;
    uint32_t stages = fleet->scenario->layout.pipeline;
    *server = (struct server){
        .fleet = fleet,
        .lanes = ARENA_ARRAY(arena, struct lane, stages),
        .stage_ends = ARENA_ARRAY(arena, double, stages),
        .stages = ARENA_ARRAY(arena, struct stage_totals, stages),
        .index = index,
        .first_gpu = index * fleet->gpus_per_replica,
        .policy = batching_policies[service->policy],
        .slowness = ARENA_ARRAY(arena, double, stages),
        .stage_costs = fleet_costs(fleet, 1.0),
        .nic_share = 1.0,
    };
    batch_desk_create(&server->desk, arena, service, role, stages);
    server->desk.requests = fleet->requests->all;
    server->desk.hooks = (struct batch_hooks){.data = server, .fetch = fetch, .swap = swap};
    kv_cache_create(&server->desk.kv, arena, fleet->kv_pages, service->block_tokens,
                    service->prefix_cache);
    server->desk.kv.beside = fleet->kv_beside;
    for (uint32_t i = 0; i < stages; i++) {
        server->slowness[i] = 1.0;
        server->lanes[i] = (struct lane){
            .server = server,
            .view = &server->desk.views[i],
            .chunks = ARENA_ARRAY(arena, struct chunk, service->max_sequences + 1),
            .ends = ARENA_ARRAY(arena, double, SERVER_MAX_RUN),
        };
    }
}

void server_destroy(struct server *server)
{
    for (uint32_t i = 0; i < server_lane_count(server); i++) {
        signal_destroy(&server->lanes[i].signal);
    }
}

void server_wake(struct server *server)
{
    for (uint32_t i = 0; i < server_lane_count(server); i++) {
        signal_wake(&server->lanes[i].signal, SERVER_WAKE);
    }
}

/* A step that began at `start` has ended, and another may follow at once. */
static void close_entry(struct lane *lane, double start)
{
    struct batch_view *view = lane->view;
    const struct server *server = lane->server;
    bool ahead =
        server->fleet->scenario->software.schedules_ahead && server_lane_count(server) == 1;
    view->closed_seconds = ahead ? start : (double)INFINITY;
}

/* --- a step's end --- */

/* Seconds between two tokens, of so many requests. */
static void add_gaps(struct lane *lane, double seconds, uint64_t requests)
{
    struct server *server = lane->server;
    const struct fleet_listener *listener = &server->fleet->listener;
    listener->gaps(listener->data, seconds, requests);
}

static void end_request(struct lane *lane, uint32_t id, double now)
{
    struct server *server = lane->server;
    struct request *request = request_of(server, id);
    kv_cache_publish(&server->desk.kv, request);
    kv_cache_release(&server->desk.kv, request);
    request->last_token_seconds = now;
    server->outstanding--;
    fleet_end(server->fleet, id, REQUEST_DONE);
}

/* A prompt is computed: its sequence gets a token. */
static void end_prompt(struct lane *lane, uint32_t id, double now)
{
    struct server *server = lane->server;
    struct request *request = request_of(server, id);
    kv_cache_publish(&server->desk.kv, request);
    if (request->generated_tokens == 0) {
        request->first_token_seconds = now;
    } else {
        add_gaps(lane, now - request->last_token_seconds, 1);
    }
    request->generated_tokens++;
    request->last_token_seconds = now;
    if (request->generated_tokens >= request->output_tokens) {
        end_request(lane, id, now);
    } else if (server->desk.role == SERVER_PREFILL) {
        server->outstanding--;
        fleet_hand_over(server->fleet, lane, id);
    } else {
        batch_decode(lane->view, id);
    }
}

static void end_chunks(struct lane *lane, const struct pick *pick, double now)
{
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    for (uint32_t i = 0; i < pick->chunk_count; i++) {
        request_of(server, pick->chunks[i].request)->computed_tokens += pick->chunks[i].tokens;
        server->desk.pending_tokens -= pick->chunks[i].tokens;
        server->totals.prompt_tokens += pick->chunks[i].tokens;
    }
    uint32_t kept = 0, count = view->prefill_count;
    view->prefill_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = view->prefilling[i];
        if (request_of(server, id)->computed_tokens < request_target(request_of(server, id))) {
            view->prefilling[kept++] = id;
        } else {
            end_prompt(lane, id, now);
        }
    }
    view->prefill_count = kept;
}

/* All that decode got `steps` tokens, the first at `first_end`, the last `now`. */
static void end_decode(struct lane *lane, uint32_t steps, double first_end, double now)
{
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    uint32_t kept = 0, count = view->decode_count;
    uint64_t alike = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = view->decoding[i];
        struct request *request = request_of(server, id);
        if (request->last_token_seconds == lane->decode_end_seconds) {
            alike++;
        } else {
            add_gaps(lane, first_end - request->last_token_seconds, 1);
        }
        request->computed_tokens += steps;
        request->generated_tokens += steps;
        request->last_token_seconds = now;
        if (request->generated_tokens < request->output_tokens) {
            view->decoding[kept++] = id;
        } else {
            view->context_tokens -= request->computed_tokens - steps;
            view->decode_count--;
            end_request(lane, id, now);
        }
    }
    if (alike > 0) {
        add_gaps(lane, first_end - lane->decode_end_seconds, alike);
    }
    assert(kept == view->decode_count && "a sequence is kept or has ended");
    view->context_tokens += (uint64_t)steps * kept;
    lane->decode_end_seconds = now;
}

static void account(struct lane *lane, const struct step_cost *cost, uint32_t steps, double seconds,
                    uint32_t sequences)
{
    struct server *server = lane->server;
    struct server_totals *totals = &server->totals;
    totals->plays++;
    totals->steps += steps;
    totals->busy_seconds += seconds;
    if (server_lane_count(server) == 1) {
        stage_totals_add(&server->stages[0], cost, steps, seconds);
    }
    totals->joules += seconds * cost->watts * server->fleet->gpus_per_replica;
    totals->bytes += steps * cost->bytes;
    totals->nvlink_bytes += steps * cost->nvlink_bytes;
    totals->network_bytes += steps * cost->network_bytes;
    totals->sequence_seconds += seconds * sequences;
    uint64_t held = kv_cache_held(&server->desk.kv);
    totals->page_seconds += seconds * (double)held;
    totals->most_pages = held > totals->most_pages ? held : totals->most_pages;
}

/* --- steps --- */

static struct step_shape shape_of(const struct lane *lane, const struct pick *pick)
{
    const struct batch_view *view = lane->view;
    const struct server *server = lane->server;
    struct step_shape shape = {.prompts = pick->chunk_count};
    if (pick->decode_steps > 0) {
        shape.decodes = view->decode_count;
        shape.decode_context = (double)view->context_tokens / view->decode_count;
    }
    for (uint32_t i = 0; i < pick->chunk_count; i++) {
        const struct chunk *chunk = &pick->chunks[i];
        double tokens = chunk->tokens;
        shape.prompt_tokens += chunk->tokens;
        shape.prompt_pairs +=
            tokens * (request_of(server, chunk->request)->computed_tokens + 0.5 * tokens);
    }
    return shape;
}

static void trace_step(struct lane *lane, const struct step_shape *shape, double start,
                       double seconds, double busy_seconds, const struct step_cost *cost,
                       uint32_t steps)
{
    struct server *server = lane->server;
    const struct fleet_listener *listener = &server->fleet->listener;
    listener->steps(listener->data, server,
                    &(struct played_steps){.shape = *shape,
                                           .cost = *cost,
                                           .start_seconds = start,
                                           .seconds = seconds,
                                           .busy_seconds = busy_seconds,
                                           .steps = steps});
}

/* One step: with prompts in it, or of a pipeline. */
static void play_step(struct lane *lane, const struct pick *pick)
{
    struct server *server = lane->server;
    struct step_shape shape = shape_of(lane, pick);
    struct step_cost cost;
    double start = engine_clock(), busy = 0.0;
    uint32_t epoch = server->epoch, decodes = shape.decodes;
    if (server_lane_count(server) > 1) {
        lane_pass(lane, &shape, &cost, &busy);
    } else {
        cost = step_cost(server->stage_costs[0], &shape);
        busy = cost.seconds * server->slowness[0] + lane->swap_seconds;
        lane->swap_seconds = 0.0;
        actor_sleep(busy);
    }
    if (server->epoch != epoch) {
        return; /* it failed meanwhile */
    }
    double now = engine_clock();
    server->updating++;
    close_entry(lane, start);
    account(lane, &cost, 1, busy, decodes + pick->chunk_count);
    trace_step(lane, &shape, start, now - start, busy, &cost, 1);
    lane->step_seconds = now - start;
    if (decodes > 0) {
        server->totals.decode_steps += pick->chunk_count == 0;
        server->totals.decode_tokens += decodes;
        end_decode(lane, 1, now, now);
    }
    end_chunks(lane, pick, now);
    server->updating--;
}

/* How many decode steps can follow each other before somebody ends or the pages run out. */
static uint32_t run_length(const struct lane *lane, uint32_t most)
{
    const struct batch_view *view = lane->view;
    const struct server *server = lane->server;
    uint32_t steps = most < SERVER_MAX_RUN ? most : SERVER_MAX_RUN;
    for (uint32_t i = 0; i < view->decode_count; i++) {
        const struct request *request = request_of(server, view->decoding[i]);
        uint32_t left = request->output_tokens - request->generated_tokens;
        steps = left < steps ? left : steps;
    }
    uint64_t pages_each = kv_cache_available(&server->desk.kv) / view->decode_count;
    uint64_t safe = pages_each * server->desk.kv.page_tokens; /* a page for each covers so many */
    return safe < steps ? (safe > 1 ? (uint32_t)safe : 1) : steps;
}

/* Fills lane->ends with when each step of a run ends, from its start. */
static void price_run(struct lane *lane, uint32_t steps)
{
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    double context = (double)view->context_tokens / view->decode_count;
    double end = lane->swap_seconds;
    lane->swap_seconds = 0.0;
    for (uint32_t i = 0; i < steps; i++) {
        end += server->slowness[0] *
               step_cost_decode_seconds(server->stage_costs[0], view->decode_count, context + i);
        lane->ends[i] = end;
    }
}

/* The steps of a run that have ended or are under way after `elapsed` seconds. */
static uint32_t steps_begun(const struct lane *lane, uint32_t steps, double elapsed)
{
    uint32_t low = 0, high = steps - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (lane->ends[middle] < elapsed) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low + 1;
}

static void reserve_run(struct lane *lane, uint32_t steps)
{
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    for (uint32_t i = 0; i < view->decode_count; i++) {
        struct request *request = request_of(server, view->decoding[i]);
        bool reserved =
            kv_cache_reserve(&server->desk.kv, request, (uint64_t)request->computed_tokens + steps);
        assert(reserved && "a run is no longer than its pages last");
        (void)reserved;
    }
}

/* Decode steps alike, until somebody ends or arrives. */
static void play_run(struct lane *lane, const struct pick *pick)
{
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    bool closed = server->desk.waiting.count > 0 && !batch_has_ready(lane->view);
    uint32_t steps = closed ? 1 : run_length(lane, pick->decode_steps), epoch = server->epoch;
    double start = engine_clock();
    price_run(lane, steps);
    /* Who waits already cannot be let in before somebody ends; newcomers wait behind. A cache on
     * its way is let in when it lands. */
    if (server->desk.waiting.count > 0 && server->desk.incoming == 0) {
        actor_sleep(lane->ends[steps - 1]);
    } else if (signal_wait_until(&lane->signal, SERVER_WAKE, lane->ends[steps - 1])) {
        double elapsed = engine_clock() - start;
        steps = steps_begun(lane, steps, elapsed);
        if (server->epoch == epoch && lane->ends[steps - 1] > elapsed) {
            actor_sleep(lane->ends[steps - 1] - elapsed);
        }
    }
    if (server->epoch != epoch) {
        return;
    }
    double now = engine_clock();
    struct step_shape shape = {.decodes = view->decode_count,
                               .decode_context = (double)view->context_tokens / view->decode_count +
                                                 0.5 * (steps - 1)};
    struct step_cost cost = step_cost(server->stage_costs[0], &shape);
    server->updating++;
    close_entry(lane, steps > 1 ? start + lane->ends[steps - 2] : start);
    reserve_run(lane, steps);
    account(lane, &cost, steps, now - start, shape.decodes);
    trace_step(lane, &shape, start, now - start, now - start, &cost, steps);
    server->totals.decode_steps += steps;
    server->totals.decode_tokens += (uint64_t)steps * shape.decodes;
    for (uint32_t i = 1; i < steps; i++) {
        add_gaps(lane, lane->ends[i] - lane->ends[i - 1], shape.decodes);
    }
    end_decode(lane, steps, start + lane->ends[0], now);
    server->updating--;
}

/* --- the actor --- */

static void lane_main(void *data)
{
    struct lane *lane = data;
    struct batch_view *view = lane->view;
    struct server *server = lane->server;
    bool was_idle = false;
    for (;;) {
        struct pick pick = {.chunks = lane->chunks};
        if (!server->down) {
            server->desk.now_seconds = engine_clock();
            server->policy->pick_batch(view, &pick);
            if (pick.freed) {
                server_wake(server);
            }
        }
        bool pipelined = server_lane_count(server) > 1;
        if (pick.chunk_count > 0 || (pipelined && pick.decode_steps > 0)) {
            play_step(lane, &pick);
        } else if (pick.decode_steps > 0) {
            play_run(lane, &pick);
        } else if (server->fleet->source->stirred) {
            source_wake(server->fleet->source); /* others run meanwhile: look again */
            continue;
        } else {
            view->closed_seconds = (double)INFINITY; /* nothing is made up */
            if (!batch_has_ready(view) || was_idle) {
                signal_wait(&lane->signal, SERVER_WAKE);
            }
            was_idle = true;
            continue;
        }
        was_idle = false;
        if (pipelined && server->desk.waiting.count > 0) {
            server_wake(server); /* there may be room now */
        }
        source_wake(server->fleet->source);
    }
}

void server_start(struct server *server)
{
    for (uint32_t i = 0; i < server_lane_count(server); i++) {
        signal_init(&server->lanes[i].signal);
        actor_start(server->fleet->engine, server->first_gpu, lane_main, &server->lanes[i], true);
    }
}

void server_submit(struct server *server, uint32_t id)
{
    struct request *request = request_of(server, id);
    request->state = REQUEST_WAITING;
    server->outstanding++;
    server->desk.pending_tokens += request_target(request) - request->computed_tokens;
    queue_push(&server->desk.waiting, server->desk.requests, id);
    server_wake(server);
}
