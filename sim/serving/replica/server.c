/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/server.h"

#include "sim/serving/replica/lanes.h"
#include "sim/serving/result/serving_trace.h"
#include "sim/serving/serving.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static struct request *request_of(const struct server *server, uint32_t id)
{
    return &server->run->requests[id];
}

static void create_lane(struct server *server, struct server *head, struct serving_run *run,
                        uint32_t index, enum server_role role)
{
    const struct service *service = &run->serving->service;
    struct arena *arena = run->arena;
    *server = (struct server){
        .run = run,
        .head = head,
        .index = index,
        .first_gpu = index * run->gpus_per_replica,
        .role = role,
        .policy = batching_policies[service->policy],
        .waiting = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .landed = {.first = REQUEST_NONE, .last = REQUEST_NONE},
        .decoding = ARENA_ARRAY(arena, uint32_t, service->max_sequences + 1),
        .prefilling = ARENA_ARRAY(arena, uint32_t, service->max_sequences + 1),
        .chunks = ARENA_ARRAY(arena, struct chunk, service->max_sequences + 1),
        .ends = ARENA_ARRAY(arena, double, SERVER_MAX_RUN),
        .nic_share = 1.0,
        .closed_seconds = (double)INFINITY,
    };
    server->policy_state = arena_array(arena, 1, server->policy->state_size + 1);
}

void server_create(struct server *server, struct serving_run *run, uint32_t index,
                   enum server_role role)
{
    const struct service *service = &run->serving->service;
    uint32_t stages = run->scenario->layout.pipeline;
    create_lane(server, server, run, index, role);
    server->stage_ends = ARENA_ARRAY(run->arena, double, stages);
    server->slowness = ARENA_ARRAY(run->arena, double, stages);
    server->stages = ARENA_ARRAY(run->arena, struct stage_totals, stages);
    server->stage_costs = serving_costs(run, 1.0);
    server->lanes = ARENA_ARRAY(run->arena, struct server *, stages);
    server->lanes[0] = server;
    server->slowness[0] = 1.0;
    for (uint32_t i = 1; i < stages; i++) {
        server->slowness[i] = 1.0;
        server->lanes[i] = ARENA_NEW(run->arena, struct server);
        create_lane(server->lanes[i], server, run, index, role);
    }
    kv_cache_create(&server->kv, run->arena, run->kv_pages, service->block_tokens,
                    service->prefix_cache);
}

static uint32_t lane_count(const struct server *server)
{
    return server->run->scenario->layout.pipeline;
}

uint32_t server_running(const struct server *server)
{
    const struct server *head = server->head;
    uint32_t running = head->incoming;
    for (uint32_t i = 0; i < lane_count(server); i++) {
        running += head->lanes[i]->decode_count + head->lanes[i]->prefill_count;
    }
    return running;
}

void server_wake(struct server *server)
{
    for (uint32_t i = 0; i < lane_count(server); i++) {
        signal_wake(&server->head->lanes[i]->signal, SERVER_WAKE);
    }
}

/* Seconds to move a request's KV cache between each GPU and its host: each has a link of its own,
 * so nothing contends but what is swapped before the same step, which goes one after the other. */
static double swap_seconds(struct server *server, uint32_t tokens)
{
    const struct serving_run *run = server->run;
    double shard = (double)context_cached_tokens(tokens, run->scenario->layout.context);
    double own = run->serving->service.swap_bytes_per_second;
    double rate = own > 0.0 ? own : run->scenario->cluster.host_bytes_per_second;
    server->head->totals.swapped_bytes +=
        run->kv_bytes_per_token * (double)tokens * run->scenario->layout.tensor;
    return run->kv_bytes_per_token * shard / rate;
}

/* --- what policies call --- */

void server_enqueue(struct server *server, uint32_t id)
{
    queue_push(&server->head->waiting, server->run->requests, id);
}

bool server_has_ready(const struct server *server)
{
    return server->head->waiting.count > 0 &&
           request_of(server, server->head->waiting.first)->queued_seconds <=
               server->closed_seconds;
}

/* A step that began at `start` has ended, and another may follow at once. */
static void close_entry(struct server *server, double start)
{
    bool ahead = server->run->scenario->software.schedules_ahead && lane_count(server) == 1;
    server->closed_seconds = ahead ? start : (double)INFINITY;
}

void pick_add(struct pick *pick, uint32_t request, uint32_t tokens)
{
    pick->chunks[pick->chunk_count++] = (struct chunk){.request = request, .tokens = tokens};
}

void server_preempt_last(struct server *server)
{
    bool prefilling = server->prefill_count > 0;
    uint32_t id = prefilling ? server->prefilling[--server->prefill_count]
                             : server->decoding[--server->decode_count];
    struct request *request = request_of(server, id);
    if (!prefilling) {
        server->context_tokens -= request->computed_tokens;
    }
    if (server->run->serving->service.preemption == PREEMPTION_SWAP && !prefilling) {
        request->swapped_tokens = request->computed_tokens;
        server->swap_seconds += swap_seconds(server, request->computed_tokens);
    }
    kv_cache_release(&server->head->kv, request);
    server->head->pending_tokens += request->computed_tokens + (prefilling ? 0 : 1);
    request->computed_tokens = 0;
    request->state = REQUEST_WAITING;
    request->preemptions++;
    server->head->totals.preemptions++;
    queue_push_front(&server->head->waiting, server->run->requests, id);
}

bool server_make_room(struct server *server)
{
    bool preempted = false;
    for (uint32_t i = 0; i < server->decode_count; i++) {
        struct request *request = request_of(server, server->decoding[i]);
        while (
            i < server->decode_count &&
            !kv_cache_reserve(&server->head->kv, request, (uint64_t)request->computed_tokens + 1)) {
            server_preempt_last(server);
            preempted = true;
        }
    }
    return preempted;
}

/* Its KV cache comes back from the host's memory, and it decodes on. */
static void swap_in(struct server *server, struct request *request)
{
    server->swap_seconds += swap_seconds(server, request->swapped_tokens);
    request->computed_tokens = request->swapped_tokens;
    request->swapped_tokens = 0;
}

uint32_t server_admit(struct server *server, uint64_t tokens, bool whole_answer)
{
    uint32_t id = server->head->waiting.first;
    struct request *request = request_of(server, id);
    bool swapped = request->swapped_tokens > 0;
    uint32_t cached =
        swapped ? request->swapped_tokens : kv_cache_match(&server->head->kv, request);
    uint32_t missing = request_target(request) - cached;
    uint32_t chunk = missing < tokens ? missing : (uint32_t)tokens;
    uint64_t room = (uint64_t)cached + chunk;
    if (whole_answer) {
        room = (uint64_t)request->prompt_tokens + request->output_tokens;
    }
    if (!swapped) {
        kv_cache_take_prefix(&server->head->kv, request, cached);
    }
    if (!kv_cache_reserve(&server->head->kv, request, room)) {
        kv_cache_release(&server->head->kv, request);
        return 0;
    }
    queue_pop(&server->head->waiting, server->run->requests);
    request->state = REQUEST_PREFILL;
    server->head->pending_tokens -= cached;
    if (swapped) {
        swap_in(server, request);
    }
    request->computed_tokens = cached;
    if (request->scheduled_seconds < 0.0) {
        request->scheduled_seconds = engine_clock();
        request->cached_tokens = cached;
    }
    server->prefilling[server->prefill_count++] = id;
    return chunk;
}

/* --- a step's end --- */

/* Seconds between two tokens, of so many requests. */
static void add_gaps(struct server *server, double seconds, uint64_t requests)
{
    if (engine_clock() >= server->run->serving->warm_up_seconds) {
        histogram_add(&server->run->inter_token, seconds, requests);
    }
}

static void end_request(struct server *server, uint32_t id, double now)
{
    struct request *request = request_of(server, id);
    kv_cache_publish(&server->head->kv, request);
    kv_cache_release(&server->head->kv, request);
    request->state = REQUEST_DONE;
    request->last_token_seconds = now;
    server->head->outstanding--;
    serving_done(server->run, id);
}

/* A prompt is computed: its sequence gets a token. */
static void end_prompt(struct server *server, uint32_t id, double now)
{
    struct request *request = request_of(server, id);
    kv_cache_publish(&server->head->kv, request);
    if (request->generated_tokens == 0) {
        request->first_token_seconds = now;
    } else {
        add_gaps(server, now - request->last_token_seconds, 1);
    }
    request->generated_tokens++;
    request->last_token_seconds = now;
    if (request->generated_tokens >= request->output_tokens) {
        end_request(server, id, now);
    } else if (server->role == SERVER_PREFILL) {
        server->head->outstanding--;
        serving_hand_over(server->run, server, id);
    } else {
        request->state = REQUEST_DECODE;
        server->decoding[server->decode_count++] = id;
        server->context_tokens += request->computed_tokens;
    }
}

static void end_chunks(struct server *server, const struct pick *pick, double now)
{
    for (uint32_t i = 0; i < pick->chunk_count; i++) {
        request_of(server, pick->chunks[i].request)->computed_tokens += pick->chunks[i].tokens;
        server->head->pending_tokens -= pick->chunks[i].tokens;
        server->head->totals.prompt_tokens += pick->chunks[i].tokens;
    }
    uint32_t kept = 0, count = server->prefill_count;
    server->prefill_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = server->prefilling[i];
        if (request_of(server, id)->computed_tokens < request_target(request_of(server, id))) {
            server->prefilling[kept++] = id;
        } else {
            end_prompt(server, id, now);
        }
    }
    server->prefill_count = kept;
}

/* All that decode got `steps` tokens, the first at `first_end`, the last `now`. */
static void end_decode(struct server *server, uint32_t steps, double first_end, double now)
{
    uint32_t kept = 0, count = server->decode_count;
    uint64_t alike = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = server->decoding[i];
        struct request *request = request_of(server, id);
        if (request->last_token_seconds == server->decode_end_seconds) {
            alike++;
        } else {
            add_gaps(server, first_end - request->last_token_seconds, 1);
        }
        request->computed_tokens += steps;
        request->generated_tokens += steps;
        request->last_token_seconds = now;
        if (request->generated_tokens < request->output_tokens) {
            server->decoding[kept++] = id;
        } else {
            server->context_tokens -= request->computed_tokens - steps;
            server->decode_count--;
            end_request(server, id, now);
        }
    }
    if (alike > 0) {
        add_gaps(server, first_end - server->decode_end_seconds, alike);
    }
    assert(kept == server->decode_count && "a sequence is kept or has ended");
    server->context_tokens += (uint64_t)steps * kept;
    server->decode_end_seconds = now;
}

static void account(struct server *server, const struct step_cost *cost, uint32_t steps,
                    double seconds, uint32_t sequences)
{
    struct server_totals *totals = &server->head->totals;
    totals->plays++;
    totals->steps += steps;
    totals->busy_seconds += seconds;
    if (lane_count(server) == 1) {
        stage_totals_add(&server->stages[0], cost, steps, seconds);
    }
    totals->joules += seconds * cost->watts * server->run->gpus_per_replica;
    totals->bytes += steps * cost->bytes;
    totals->nvlink_bytes += steps * cost->nvlink_bytes;
    totals->network_bytes += steps * cost->network_bytes;
    totals->sequence_seconds += seconds * sequences;
    uint64_t held = kv_cache_held(&server->head->kv);
    totals->page_seconds += seconds * (double)held;
    totals->most_pages = held > totals->most_pages ? held : totals->most_pages;
}

/* --- steps --- */

static struct step_shape shape_of(const struct server *server, const struct pick *pick)
{
    struct step_shape shape = {.prompts = pick->chunk_count};
    if (pick->decode_steps > 0) {
        shape.decodes = server->decode_count;
        shape.decode_context = (double)server->context_tokens / server->decode_count;
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

static void trace_step(struct server *server, const struct step_shape *shape, double start,
                       double seconds, double busy_seconds, const struct step_cost *cost,
                       uint32_t steps)
{
    if (server->run->trace != NULL) {
        serving_trace_step(server->run->trace, server, shape, start, seconds, busy_seconds, cost,
                           steps);
    }
}

/* One step: with prompts in it, or of a pipeline. */
static void play_step(struct server *server, const struct pick *pick)
{
    struct step_shape shape = shape_of(server, pick);
    struct step_cost cost;
    double start = engine_clock(), busy = 0.0;
    uint32_t epoch = server->head->epoch, decodes = shape.decodes;
    if (lane_count(server) > 1) {
        lane_pass(server, &shape, &cost, &busy);
    } else {
        cost = step_cost(server->head->stage_costs[0], &shape);
        busy = cost.seconds * server->head->slowness[0] + server->swap_seconds;
        server->swap_seconds = 0.0;
        actor_sleep(busy);
    }
    if (server->head->epoch != epoch) {
        return; /* it failed meanwhile */
    }
    double now = engine_clock();
    server->head->updating++;
    close_entry(server, start);
    account(server, &cost, 1, busy, decodes + pick->chunk_count);
    trace_step(server, &shape, start, now - start, busy, &cost, 1);
    server->step_seconds = now - start;
    if (decodes > 0) {
        server->head->totals.decode_steps += pick->chunk_count == 0;
        server->head->totals.decode_tokens += decodes;
        end_decode(server, 1, now, now);
    }
    end_chunks(server, pick, now);
    server->head->updating--;
}

/* How many decode steps can follow each other before somebody ends or the pages run out. */
static uint32_t run_length(const struct server *server, uint32_t most)
{
    uint32_t steps = most < SERVER_MAX_RUN ? most : SERVER_MAX_RUN;
    for (uint32_t i = 0; i < server->decode_count; i++) {
        const struct request *request = request_of(server, server->decoding[i]);
        uint32_t left = request->output_tokens - request->generated_tokens;
        steps = left < steps ? left : steps;
    }
    uint64_t pages_each = kv_cache_available(&server->head->kv) / server->decode_count;
    uint64_t safe = pages_each * server->head->kv.page_tokens; /* a page for each covers so many */
    return safe < steps ? (safe > 1 ? (uint32_t)safe : 1) : steps;
}

/* Fills server->ends with when each step of a run ends, from its start. */
static void price_run(struct server *server, uint32_t steps)
{
    double context = (double)server->context_tokens / server->decode_count;
    double end = server->swap_seconds;
    server->swap_seconds = 0.0;
    for (uint32_t i = 0; i < steps; i++) {
        end +=
            server->head->slowness[0] * step_cost_decode_seconds(server->head->stage_costs[0],
                                                                 server->decode_count, context + i);
        server->ends[i] = end;
    }
}

/* The steps of a run that have ended or are under way after `elapsed` seconds. */
static uint32_t steps_begun(const struct server *server, uint32_t steps, double elapsed)
{
    uint32_t low = 0, high = steps - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (server->ends[middle] < elapsed) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low + 1;
}

static void reserve_run(struct server *server, uint32_t steps)
{
    for (uint32_t i = 0; i < server->decode_count; i++) {
        struct request *request = request_of(server, server->decoding[i]);
        bool reserved = kv_cache_reserve(&server->head->kv, request,
                                         (uint64_t)request->computed_tokens + steps);
        assert(reserved && "a run is no longer than its pages last");
        (void)reserved;
    }
}

/* Decode steps alike, until somebody ends or arrives. */
static void play_run(struct server *server, const struct pick *pick)
{
    bool closed = server->head->waiting.count > 0 && !server_has_ready(server);
    uint32_t steps = closed ? 1 : run_length(server, pick->decode_steps),
             epoch = server->head->epoch;
    double start = engine_clock();
    price_run(server, steps);
    /* Who waits already cannot be let in before somebody ends; newcomers wait behind. A cache on
     * its way is let in when it lands. */
    if (server->head->waiting.count > 0 && server->incoming == 0) {
        actor_sleep(server->ends[steps - 1]);
    } else if (signal_wait_until(&server->signal, SERVER_WAKE, server->ends[steps - 1])) {
        double elapsed = engine_clock() - start;
        steps = steps_begun(server, steps, elapsed);
        if (server->head->epoch == epoch && server->ends[steps - 1] > elapsed) {
            actor_sleep(server->ends[steps - 1] - elapsed);
        }
    }
    if (server->head->epoch != epoch) {
        return;
    }
    double now = engine_clock();
    struct step_shape shape = {.decodes = server->decode_count,
                               .decode_context =
                                   (double)server->context_tokens / server->decode_count +
                                   0.5 * (steps - 1)};
    struct step_cost cost = step_cost(server->head->stage_costs[0], &shape);
    server->head->updating++;
    close_entry(server, steps > 1 ? start + server->ends[steps - 2] : start);
    reserve_run(server, steps);
    account(server, &cost, steps, now - start, shape.decodes);
    trace_step(server, &shape, start, now - start, now - start, &cost, steps);
    server->head->totals.decode_steps += steps;
    server->head->totals.decode_tokens += (uint64_t)steps * shape.decodes;
    for (uint32_t i = 1; i < steps; i++) {
        add_gaps(server, server->ends[i] - server->ends[i - 1], shape.decodes);
    }
    end_decode(server, steps, start + server->ends[0], now);
    server->head->updating--;
}

/* --- the actor --- */

static void server_main(void *data)
{
    struct server *server = data;
    bool was_idle = false;
    for (;;) {
        struct pick pick = {.chunks = server->chunks};
        if (!server->head->down) {
            server->policy->pick_batch(server, &pick);
        }
        bool pipelined = lane_count(server) > 1;
        if (pick.chunk_count > 0 || (pipelined && pick.decode_steps > 0)) {
            play_step(server, &pick);
        } else if (pick.decode_steps > 0) {
            play_run(server, &pick);
        } else if (server->run->source.stirred) {
            source_wake(&server->run->source); /* others run meanwhile: look again */
            continue;
        } else {
            server->closed_seconds = (double)INFINITY; /* nothing is made up */
            if (!server_has_ready(server) || was_idle) {
                signal_wait(&server->signal, SERVER_WAKE);
            }
            was_idle = true;
            continue;
        }
        was_idle = false;
        if (server->policy->on_step_end != NULL) {
            server->policy->on_step_end(server);
        }
        if (pipelined && server->head->waiting.count > 0) {
            server_wake(server); /* there may be room now */
        }
        source_wake(&server->run->source);
    }
}

void server_start(struct server *server)
{
    for (uint32_t i = 0; i < lane_count(server); i++) {
        signal_init(&server->lanes[i]->signal);
        actor_start(server->run->engine, server->first_gpu, server_main, server->lanes[i], true);
    }
}

void server_submit(struct server *server, uint32_t id)
{
    struct request *request = request_of(server, id);
    request->state = REQUEST_WAITING;
    server->head->outstanding++;
    server->head->pending_tokens += request_target(request) - request->computed_tokens;
    server->policy->on_arrival(server, id);
    server_wake(server);
}
