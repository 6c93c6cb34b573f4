/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/server.h"

#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"
#include "sim/serving/batching/sglang.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/kv_move.h"
#include "sim/serving/replica/lanes.h"
#include "sim/serving/replica/loop.h"
#include "sim/serving/replica/retired.h"
#include "sim/serving/replica/router.h"
#include "sim/serving/replica/server_step.h"
#include "sim/serving/replica/step_group.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static struct request *request_of(const struct server *server, uint32_t id)
{
    return batch_request(&server->view, id);
}

static bool fetch(void *data, uint32_t id, uint64_t room)
{
    return kv_move_fetch(data, id, room);
}

/* An engine with two steps in flight takes as long as its GPU, or its host, between two. */
static double predict(void *data, const struct step_shape *shape)
{
    struct server *server = data;
    struct step_cost cost = step_cost(server->stage_costs[0], shape);
    double seconds = server->view.limits.ahead
                         ? loop_pace(&server->lanes[0], shape, cost.gpu_seconds, &cost)
                         : cost.seconds;
    return server->slowness[0] * seconds;
}

static const struct batch_target *targets_of(struct arena *arena, const struct serving *serving)
{
    size_t count = serving_class_count(serving);
    struct batch_target *targets = ARENA_ARRAY(arena, struct batch_target, count);
    for (size_t i = 0; i < count; i++) {
        const struct request_class *of = serving_class(serving, i);
        targets[i] = (struct batch_target){.ttft_seconds = of->slo_ttft_seconds,
                                           .tpot_seconds = of->slo_tpot_seconds};
    }
    return targets;
}

static struct batch_limits limits_of(const struct pool *pool, enum server_role role)
{
    const struct scenario *scenario = pool->scenario;
    const struct service *service = &scenario->serving.service;
    const struct proposer *proposer = proposer_of(service);
    return (struct batch_limits){
        .step_tokens = service->max_batched_tokens,
        .sequences = service->max_sequences,
        .model_tokens = UINT32_MAX,
        .chunk_tokens = (uint32_t)service->long_prefill_tokens,
        /* The null block counts, as in vLLM. */
        .spare_blocks = (uint32_t)(service->watermark * (double)(pool->kv_pages + 1)),
        .reserves_prompt = service->reserve_prompt,
        .adapters =
            serving_adapter_count(&scenario->serving) > 0 ? service->adapters.max_adapters : 0,
        .whole_prompts = service->whole_prompts,
        .by_priority = service->priorities,
        .ahead =
            scenario->software.schedules_ahead && scenario->layout.pipeline == 1 &&
            (proposer == NULL || (!proposer->synchronous && service->policy != BATCHING_SGLANG)),
        .draft_tokens = role == SERVER_PREFILL ? 0 : service_drafts(service),
        .look_ahead = proposer != NULL && proposer->looks_ahead && role != SERVER_PREFILL
                          ? service_drafts(service)
                          : 0,
        .prompts_only = role == SERVER_PREFILL,
        .swaps = service->preemption == PREEMPTION_SWAP,
        .looks_again = batching_by_deadline(service->policy) && role != SERVER_DECODE,
    };
}

/* What SGLang's scheduler goes by. Answers are as long as was asked for, and it knows that. */
static struct sglang_settings sglang_settings_of(const struct pool *pool)
{
    const struct service *service = &pool->scenario->serving.service;
    const struct need_estimate *estimate = &pool->scenario->software.estimate;
    double first = fmin(1.0, estimate->ratio * service->conservativeness);
    double least = fmin(1.0, first * estimate->least);
    static const enum sglang_order orders[] = {[QUEUE_FCFS] = SGLANG_FCFS,
                                               [QUEUE_LPM] = SGLANG_LPM,
                                               [QUEUE_DFS_WEIGHT] = SGLANG_DFS_WEIGHT,
                                               [QUEUE_LOF] = SGLANG_LOF};
    return (struct sglang_settings){
        .order = orders[service->order],
        .chunk_tokens = (uint32_t)service->max_batched_tokens,
        .prefill_tokens = service->max_prefill_tokens,
        .pool_tokens = pool->kv_pages * service->block_tokens,
        .draft_tokens = service_drafts(service),
        .guess_steps = service->speculation.tokens,
        .branches = service->proposer == PROPOSER_TREE ? service->speculation.width : 1,
        .page_tokens = service->block_tokens,
        .first_ratio = first,
        .least_ratio = least,
        .ratio_decay = (first - least) / fmax(estimate->decay_steps, 1.0),
        .retract_tokens = estimate->retract_tokens,
        .clip_tokens = estimate->clip_tokens > 0 ? estimate->clip_tokens : UINT32_MAX,
        .shared_tokens = estimate->shared_tokens,
        .radix = service->prefix_cache,
        .mixed = service->mixed_chunk,
        .by_priority = service->priorities,
        .low_first = true, /* --schedule-low-priority-values-first */
        .preempts = service->priorities,
        .preempt_threshold = (int32_t)service->priority_threshold,
    };
}

/* Replicas that prefill have a scheduler; those that decode take in caches. */
static const struct batching_policy *policy_of(const struct pool *pool, enum server_role role)
{
    enum batching_kind kind = pool->scenario->serving.service.policy;
    return batching_policies[role == SERVER_DECODE ? BATCHING_DISAGGREGATED : kind];
}

void server_create(struct server *server, struct fleet *fleet, struct pool *pool, uint32_t index,
                   enum server_role role)
{
    const struct service *service = &pool->scenario->serving.service;
    struct arena *arena = fleet->arena;
    uint32_t stages = pool->scenario->layout.pipeline;
    uint32_t place = (uint32_t)(server - pool->servers);
    *server = (struct server){
        .fleet = fleet,
        .pool = pool,
        .lanes = ARENA_ARRAY(arena, struct lane, stages),
        .lane_count = stages,
        .stage_ends = ARENA_ARRAY(arena, double, stages),
        .stages = ARENA_ARRAY(arena, struct stage_totals, stages),
        .index = index,
        .first_gpu = pool->first_gpu + place * pool->gpus_per_server,
        .policy = policy_of(pool, role),
        .role = role,
        .slowness = ARENA_ARRAY(arena, double, stages),
        .stage_costs = fleet_costs(fleet, pool, 1.0),
        .nic_share = 1.0,
        .over = {.first = REQUEST_NONE, .last = REQUEST_NONE},
    };
    struct batch_limits limits = limits_of(pool, role);
    batch_view_create(&server->view, arena, fleet->requests->all, &limits, pool->kv_pages,
                      &pool->kv_layout);
    if (limits.adapters > 0) {
        uint32_t adapters = serving_adapter_count(&pool->scenario->serving);
        uint32_t in_host = service->adapters.host_adapters;
        batch_view_adapters(&server->view, arena, adapters);
        adapter_store_create(&server->adapters, arena, adapters, limits.adapters,
                             in_host > 0 ? in_host : adapters);
    }
    if (service->policy == BATCHING_SGLANG) {
        struct sglang_settings settings = sglang_settings_of(pool);
        sglang_create(&server->view, arena, &settings);
    }
    server->view.is_decoder = role == SERVER_DECODE;
    server->view.hooks =
        (struct batch_hooks){.data = server, .fetch = fetch, .step_seconds = predict};
    server->view.targets = targets_of(arena, fleet->serving);
    server->view.target_count = (uint32_t)serving_class_count(fleet->serving);
    pace_open(&server->pace, pool->scenario, fleet_shares_gpus(fleet) ? place : index);
    for (uint32_t i = 0; i < stages; i++) {
        struct lane *lane = &server->lanes[i];
        server->slowness[i] = pace_of_stage(&server->pace);
        *lane = (struct lane){.server = server, .ends = ARENA_ARRAY(arena, double, SERVER_MAX_RUN)};
        decision_create(&lane->decisions[0], arena, &limits);
        decision_create(&lane->decisions[1], arena, &limits);
    }
}

void server_destroy(struct server *server)
{
    for (uint32_t i = 0; i < server->lane_count; i++) {
        signal_destroy(&server->lanes[i].signal);
    }
}

void server_wake(struct server *server)
{
    server->wakes++;
    if (server->group != NULL) {
        step_group_wake(server->group);
        return;
    }
    for (uint32_t i = 0; i < server->lane_count; i++) {
        signal_wake(&server->lanes[i].signal, SERVER_WAKE);
    }
}

/* --- who leaves --- */

/* A request without a step under way that could say so. */
static void end_left(struct server *server, uint32_t id)
{
    router_count(server, -1);
    server->left = true;
    fleet_end(server->fleet, id, (enum request_state)request_of(server, id)->leaving);
}

static void let_leave(struct server *server)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < server->leaving_count; i++) {
        uint32_t id = server->leaving[i];
        const struct request *request = request_of(server, id);
        bool moves = request->state == REQUEST_MOVING;
        if (moves && server->role == SERVER_DECODE) {
            server->leaving[kept++] = id; /* its cache comes first */
        }
        if (request_is_over(request) || moves) {
            continue; /* what a tier sends comes first, too (tiers.c) */
        }
        if (server->role == SERVER_DECODE && request->state == REQUEST_WAITING) {
            kv_move_forget(server, id);
        } else {
            batch_remove(&server->view, id);
        }
        if (request_is_over(request)) { /* else with its next token, or decision */
            end_left(server, id);
        }
    }
    server->leaving_count = kept;
}

void server_leave(struct server *server, uint32_t id)
{
    if (server->leaving_count == server->leaving_capacity) {
        uint32_t capacity = server->leaving_capacity == 0 ? 64 : 2 * server->leaving_capacity;
        uint32_t *leaving = ARENA_ARRAY(server->fleet->arena, uint32_t, capacity);
        if (server->leaving_count > 0) {
            memcpy(leaving, server->leaving, server->leaving_count * sizeof *leaving);
        }
        server->leaving = leaving;
        server->leaving_capacity = capacity;
    }
    server->leaving[server->leaving_count++] = id;
    if (server->down > 0) {
        let_leave(server);
        server->left = false; /* the source asks */
        return;
    }
    server_wake(server);
    for (uint32_t i = 0; server->group == NULL && i < server->lane_count; i++) {
        signal_wake(&server->lanes[i].signal, SERVER_LEAVE);
    }
}

/* --- a step's end --- */

/* Seconds between two tokens, of so many requests. */
void lane_add_gaps(const struct lane *lane, double seconds, uint64_t requests)
{
    const struct fleet_listener *listener = &lane->server->fleet->listener;
    listener->gaps(listener->data, seconds, requests);
}

/* Seconds from a step's end until its clients have its tokens. */
static double answer_seconds(const struct lane *lane, const struct decision *decision)
{
    return decision->share_count * lane->server->pool->scenario->software.answer_sequence_seconds;
}

static void move_on(struct lane *lane, uint32_t id)
{
    struct server *server = lane->server;
    if (request_of(server, id)->state == REQUEST_DONE) {
        uint8_t leaving = request_of(server, id)->leaving;
        router_count(server, -1);
        fleet_end(server->fleet, id, leaving != 0 ? (enum request_state)leaving : REQUEST_DONE);
    } else if (server->role == SERVER_PREFILL && request_of(server, id)->leaving != 0) {
        uint8_t leaving = request_of(server, id)->leaving;
        batch_remove(&server->view, id);
        router_count(server, -1);
        fleet_end(server->fleet, id, (enum request_state)leaving);
    } else if (server->role == SERVER_PREFILL) {
        router_count(server, -1);
        server->view.gone = true;
        fleet_hand_over(server->fleet, lane, id);
    }
}

/* False when the request got no token. */
static bool hand_in_share(struct server *server, const struct share *share)
{
    if (!share->decodes) {
        server->totals.prompt_tokens += share->tokens;
    }
    uint32_t accepted = acceptance_draw(&server->fleet->acceptance, share->drafts);
    server->totals.drafts += share->drafts;
    server->totals.accepted += accepted;
    server->totals.verified += share->drafts > 0;
    return batch_hand_in(&server->view, share, accepted) > 0;
}

/* The step's tokens, or those of a run of such steps, are there: the first at `first_end`, the last
 * `now`. */
void lane_hand_in(struct lane *lane, const struct decision *decision, double first_end, double now)
{
    struct server *server = lane->server;
    uint64_t alike = 0;
    double answer = answer_seconds(lane, decision), decoded = lane->decode_end_seconds;
    bool decodes = server->role != SERVER_PREFILL; /* else who has a token goes on elsewhere */
    for (uint32_t i = 0; i < decision->share_count; i++) {
        if (decodes) {
            uint32_t handed = batch_hand_in_alike(&server->view, decision, i, decoded, now);
            alike += handed;
            i += handed;
            if (i == decision->share_count) {
                break;
            }
        }
        const struct share *share = &decision->shares[i];
        struct request *request = request_of(server, share->request);
        bool first = request->generated_tokens == 0;
        if (!hand_in_share(server, share)) {
            continue;
        }
        if (first) {
            request->first_token_seconds = now + answer;
        } else if (request->last_token_seconds == decoded) {
            alike++;
        } else {
            lane_add_gaps(lane, first_end - request->last_token_seconds, 1);
        }
        request->last_token_seconds = now;
        if (request->state == REQUEST_DONE) {
            request->last_token_seconds = fmax(now + answer, request->first_token_seconds);
        }
        move_on(lane, share->request);
    }
    if (alike > 0) {
        lane_add_gaps(lane, first_end - decoded, alike);
    }
    batch_sweep(&server->view);
    lane->decode_end_seconds = decision->decode_count > 0 ? now : lane->decode_end_seconds;
}

void lane_account(struct lane *lane, const struct played_steps *played)
{
    struct server *server = lane->server;
    struct server_totals *totals = &server->totals;
    const struct step_cost *cost = &played->cost;
    const struct step_shape *shape = &played->shape;
    double seconds = played->busy_seconds;
    totals->plays++;
    totals->steps += played->steps;
    totals->busy_seconds += seconds;
    if (server->lane_count == 1) {
        stage_totals_add(&server->stages[0], cost, played->steps, seconds);
    }
    totals->joules += seconds * cost->watts * server->pool->gpus_per_server;
    totals->bytes += played->steps * cost->bytes;
    totals->nvlink_bytes += played->steps * cost->nvlink_bytes;
    finetuning_account(server, cost, played->steps);
    totals->network_bytes += played->steps * cost->network_bytes;
    totals->sequence_seconds += seconds * (shape->decodes + shape->prompts);
    totals->decode_steps += shape->prompts == 0 ? played->steps : 0;
    totals->decode_tokens += (uint64_t)played->steps * shape->decodes;
    uint64_t held = kv_cache_held(&server->view.kv);
    totals->page_seconds += seconds * (double)held;
    totals->most_pages = held > totals->most_pages ? held : totals->most_pages;
    totals->max_sequences =
        shape->decodes > totals->max_sequences ? shape->decodes : totals->max_sequences;
    const struct fleet_listener *listener = &server->fleet->listener;
    listener->steps(listener->data, server, played);
}

/* --- steps --- */

struct step_shape lane_shape(const struct decision *decision, const struct scenario *scenario)
{
    bool ring = scenario->layout.context > 1;
    struct step_shape shape = {.decodes = decision->decode_count,
                               .prompts = decision->share_count - decision->decode_count,
                               .adapters = decision->adapters,
                               .adapter_tokens = decision->adapter_tokens};
    if (shape.decodes > 0) {
        shape.decode_context = (double)decision->decode_context / shape.decodes;
    }
    for (uint32_t i = 0; shape.prompts > 0 && i < decision->share_count; i++) {
        const struct share *share = &decision->shares[i];
        if (share->decodes) {
            continue;
        }
        double tokens = share->tokens;
        shape.prompt_tokens += (uint64_t)tokens;
        shape.prompt_pairs += tokens * (share->computed + 0.5 * tokens);
        if (ring && tokens > 0.0 &&
            scenario_passes_queries(scenario, share->tokens, share->computed)) {
            shape.query_prompts++;
            shape.query_tokens += (uint64_t)tokens;
            shape.query_pairs += tokens * (share->computed + 0.5 * tokens);
        }
    }
    return shape;
}

/* Of bytes for each of its GPUs, all at once, over links of a rate (0: the cluster's). */
static double copy_in(const struct server *server, double bytes, double rate)
{
    const struct host_copy copy = {
        .way = HOST_IN, .gpus = server->pool->gpus_per_server, .bytes = bytes, .rate = rate};
    return bytes > 0.0 ? host_memory_copy(server, &copy) : 0.0;
}

/* Those of the step that are not on the GPUs come before it begins, one after the other: vLLM's
 * worker brings them when it prepares the step's inputs. Returns how long that takes. */
static double load_adapters(struct server *server, const struct decision *decision)
{
    const struct pool *pool = server->pool;
    struct server_totals *totals = &server->totals;
    double seconds = 0.0;
    for (int missing = 0; missing < 2; missing++) { /* those that stay are used before others go */
        for (uint32_t i = 0; i < decision->share_count && decision->adapters > 0; i++) {
            uint32_t adapter = request_of(server, decision->shares[i].request)->adapter;
            if (adapter == 0 || adapter_store_touch(&server->adapters, adapter) || missing == 0) {
                continue;
            }
            bool read = adapter_store_load(&server->adapters, adapter) == ADAPTER_IN_STORAGE;
            seconds += pool->adapter_hand_seconds + (read ? pool->adapter_read_seconds : 0.0) +
                       copy_in(server, pool->adapter_bytes, 0.0);
            totals->adapter_loads++;
            totals->adapter_reads += read;
            totals->adapter_bytes += pool->adapter_bytes * pool->gpus_per_server;
        }
    }
    totals->adapter_seconds += seconds;
    return seconds;
}

/* What a step takes longer because of what a tier has and it loads meanwhile, layer by layer: of L
 * layers alike that compute C in all and load T in all, one after the other on either side, the
 * first cannot begin before its T / L, or the last goes on for C / L behind its load:
 * max(C, T) + min(C, T) / L. */
static double load_by_layer(const struct server *server, const struct decision *decision)
{
    const struct pool *pool = server->pool;
    if (decision->loaded_tokens == 0) {
        return 0.0;
    }
    struct step_shape shape = lane_shape(decision, server->pool->scenario);
    struct model_stage stage = model_stage(pool->replica.llm, pool->scenario->layout.pipeline, 0);
    double computes = step_cost(server->stage_costs[0], &shape).gpu_seconds;
    double tokens =
        (double)context_cached_tokens(decision->loaded_tokens, pool->scenario->layout.context);
    double loads = copy_in(server, pool->kv_bytes_per_token * tokens, 0.0);
    return fmax(computes, loads) + fmin(computes, loads) / stage.layers - computes;
}

/* KV moves between each GPU and its host before the step: what is swapped before the same step goes
 * one after the other, out and in. */
void lane_swap(struct lane *lane, const struct decision *decision)
{
    struct server *server = lane->server;
    const struct pool *pool = server->pool;
    const struct scenario *scenario = pool->scenario;
    double tokens = (double)decision->swapped_tokens;
    double shard =
        (double)context_cached_tokens(decision->swapped_tokens, scenario->layout.context);
    double rate = scenario->serving.service.swap_bytes_per_second;
    server->totals.swapped_bytes += pool->kv_bytes_per_token * tokens * scenario->layout.tensor;
    lane->swap_seconds = copy_in(server, pool->kv_bytes_per_token * shard, rate) +
                         load_adapters(server, decision) + load_by_layer(server, decision);
}

/* Of a replica that is one stage. */
static struct step_cost cost_of(const struct server *server, const struct step_shape *shape)
{
    struct step_cost cost = step_cost(server->stage_costs[0], shape);
    return finetuning_extend(server, &cost);
}

/* One step, which an engine's loop has launched as `flight`, and perhaps `next` after it (both
 * NULL: none has). False when the replica failed meanwhile. */
static bool play_step(struct lane *lane, const struct decision *decision,
                      const struct flight *flight, const struct flight *next)
{
    struct server *server = lane->server;
    struct played_steps played = {.shape = lane_shape(decision, server->pool->scenario),
                                  .start_seconds = engine_clock(),
                                  .steps = 1};
    uint32_t epoch = server->epoch;
    if (server->lane_count > 1) {
        lane_pass(lane, &played.shape, &played.cost, &played.busy_seconds);
    } else if (flight != NULL) {
        played.cost = flight->cost;
        played.start_seconds = lane->begin_seconds;
        actor_sleep(fmax(0.0, loop_taken_in(lane, flight, next) - engine_clock()));
        played.busy_seconds = engine_clock() - played.start_seconds;
    } else {
        played.cost = cost_of(server, &played.shape);
        double pace = pace_of_step(&server->pace, played.cost.watts, engine_clock());
        played.busy_seconds = played.cost.seconds * server->slowness[0] * pace + lane->swap_seconds;
        actor_sleep(played.busy_seconds);
    }
    if (server->epoch != epoch) {
        return false;
    }
    double now = engine_clock();
    server->updating++;
    played.seconds = now - played.start_seconds;
    lane_account(lane, &played);
    lane->step_seconds = played.shape.prompts > 0 ? played.seconds : lane->step_seconds;
    lane_hand_in(lane, decision, now, now);
    server->updating--;
    return true;
}

static double run_step_seconds(const struct lane *lane, const struct step_shape *shape, uint32_t i)
{
    const struct server *server = lane->server;
    double seconds =
        step_cost_decode_seconds(server->stage_costs[0], shape, shape->decode_context + i);
    return server->slowness[0] * (seconds + finetuning_extra(server, seconds));
}

/* Fills lane->ends with when each step of a run ends, from its start. `first`: the step under way,
 * launched ahead; NULL: none is. */
static void price_run(struct lane *lane, const struct step_shape *shape, uint32_t steps,
                      const struct flight *first, const struct flight *next)
{
    double end = lane->swap_seconds;
    uint32_t done = 0;
    if (first != NULL) {
        end = fmax(0.0, loop_taken_in(lane, first, next) - engine_clock());
        lane->ends[done++] = end;
    }
    for (uint32_t i = done; i < steps; i++) {
        double seconds = run_step_seconds(lane, shape, i);
        end += first != NULL ? loop_pace(lane, shape, seconds, &first->cost) : seconds;
        lane->ends[i] = end;
    }
}

/* The steps of a run that have ended or are under way after `elapsed` seconds. */
uint32_t lane_steps_begun(const struct lane *lane, uint32_t steps, double elapsed)
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

/* Decode steps alike, `steps` of them at most, until somebody arrives. */
static bool play_run(struct lane *lane, struct decision *decision, struct decision *next,
                     uint32_t steps)
{
    struct flight *flight = next != NULL ? &lane->flights[lane->turn] : NULL;
    struct flight *ahead = next != NULL ? &lane->flights[1 - lane->turn] : NULL;
    struct server *server = lane->server;
    uint32_t epoch = server->epoch;
    struct played_steps played = {.shape = lane_shape(decision, server->pool->scenario),
                                  .start_seconds = engine_clock()};
    double start = played.start_seconds;
    price_run(lane, &played.shape, steps, flight, ahead);
    /* Who waits already cannot be let in before somebody ends; newcomers wait behind. A cache on
     * its way is let in when it lands. */
    bool settled = server->view.waiting.count > 0 && server->view.incoming == 0 &&
                   !server->view.limits.by_priority && server->view.limits.adapters == 0;
    if (settled && !server->fleet->may_leave && server->seat == NULL) {
        actor_sleep(lane->ends[steps - 1]);
    } else if (signal_wait_until(&lane->signal, settled ? SERVER_LEAVE : SERVER_WAKE,
                                 lane->ends[steps - 1])) {
        double elapsed = engine_clock() - start;
        steps = lane_steps_begun(lane, steps, elapsed);
        if (server->epoch == epoch && lane->ends[steps - 1] > elapsed) {
            actor_sleep(lane->ends[steps - 1] - elapsed);
        }
    }
    if (server->epoch != epoch) {
        return false;
    }
    double now = engine_clock();
    server->updating++;
    played.steps = steps;
    played.shape.decode_context += 0.5 * (steps - 1);
    played.cost = cost_of(server, &played.shape);
    played.seconds = played.busy_seconds = now - start;
    batch_repeat(&server->view, decision, next, steps - 1);
    loop_draw(lane, played.cost.watts, played.seconds);
    if (ahead != NULL && steps > 1) {
        struct step_shape last = lane_shape(decision, server->pool->scenario);
        last.decode_context += 1.0;
        loop_go_on(lane, ahead,
                   loop_pace(lane, &last, run_step_seconds(lane, &last, 0), &ahead->cost));
    }
    lane_account(lane, &played);
    for (uint32_t i = 1; i < steps; i++) {
        lane_add_gaps(lane, lane->ends[i] - lane->ends[i - 1], played.shape.decodes);
    }
    lane_hand_in(lane, decision, start + lane->ends[0], now);
    server->updating--;
    return true;
}

/* --- the actor --- */

void lane_decide(struct lane *lane, struct decision *decision)
{
    struct server *server = lane->server;
    finetuning_look(server);
    server->view.now_seconds = engine_clock();
    server->view.answer_seconds = loop_answer_seconds(lane, server->view.running_count);
    server->view.begin_seconds = fmax(engine_clock(), lane->gpu_free_seconds);
    if (server->leaving_count > 0) {
        let_leave(server);
    }
    lane->decided[0] = lane->decided[1];
    lane->decided[1] = server->retired;
    server->view.given_up = REQUEST_NONE;
    batch_decide(&server->view, server->policy, decision);
    if (server->view.given_up != REQUEST_NONE) {
        end_left(server, server->view.given_up);
    }
    if (server->lane_count > 1 && batch_budget(&server->view, decision) == 0) {
        server_wake(server); /* other lanes may go on where this one had to stop */
    }
}

static void launch(struct lane *lane, const struct decision *decision, struct flight *flight)
{
    struct step_shape shape = lane_shape(decision, lane->server->pool->scenario);
    lane_swap(lane, decision);
    flight->cost = cost_of(lane->server, &shape);
    loop_launch(lane, &shape, flight);
}

/* Steps alike that are played at once at most. A failure in their midst would undo them all, which
 * matters where requests go on from where they were. */
static uint32_t longest_run(const struct server *server)
{
    const struct service *service = &server->pool->scenario->serving.service;
    return service->protection.kind == PROTECTION_NONE ? SERVER_MAX_RUN : 1;
}

/* The same with two steps in flight: `decision` is the older one (`launched`: already), and the
 * next is made up before its outputs are in. */
static bool play_ahead(struct lane *lane, struct decision *decision, bool launched)
{
    struct server *server = lane->server;
    struct decision *next = &lane->decisions[1 - lane->turn];
    struct flight *flight = &lane->flights[lane->turn], *ahead = &lane->flights[1 - lane->turn];
    uint32_t epoch = server->epoch;
    lane->begin_seconds = engine_clock();
    if (!launched) {
        launch(lane, decision, flight);
        double busy = flight->launched_seconds - engine_clock();
        if (loop_launches(lane) && busy > 0.0) {
            actor_sleep(busy);
        }
        if (server->epoch != epoch) {
            return false;
        }
    }
    bool alone = !seat_is_asked_for(server); /* else the step under way is the last of its turn */
    next->share_count = 0;
    if (alone) {
        lane_decide(lane, next);
    }
    bool goes_on = next->share_count > 0;
    if (goes_on) {
        launch(lane, next, ahead);
    }
    uint32_t steps = alone ? batch_repeats(&server->view, decision, next, longest_run(server)) : 1;
    bool played = steps > 1 ? play_run(lane, decision, next, steps)
                            : play_step(lane, decision, flight, goes_on ? ahead : NULL);
    return played && goes_on;
}

/* Plays a step, or a run of steps alike. Returns whether the one after it is made up. */
static bool play(struct lane *lane, struct decision *decision, bool launched)
{
    struct server *server = lane->server;
    if (server->view.limits.ahead) {
        return play_ahead(lane, decision, launched);
    }
    lane_swap(lane, decision);
    uint32_t steps = server->lane_count > 1 ? 1
                     : seat_is_asked_for(server)
                         ? 1
                         : batch_repeats(&server->view, decision, NULL, longest_run(server));
    if (steps > 1) {
        play_run(lane, decision, NULL, steps);
    } else {
        play_step(lane, decision, NULL, NULL);
    }
    return false;
}

static void lane_main(void *data)
{
    struct lane *lane = data;
    struct server *server = lane->server;
    bool made_up = false, again = false;
    for (;;) {
        struct decision *decision = &lane->decisions[lane->turn];
        uint32_t wakes = server->wakes;
        retired_free(server);
        if (!made_up && server->down == 0) {
            seat_enter(server);
            lane_decide(lane, decision);
        }
        if (server->down == 0 && decision->share_count > 0) {
            made_up = play(lane, decision, made_up);
            if (!made_up) {
                seat_leave(server);
            }
            lane->turn = made_up ? 1 - lane->turn : lane->turn;
            if (server->lane_count > 1 && server->view.waiting.count > 0) {
                server_wake(server); /* there may be room now */
            }
            source_wake(server->fleet->source);
            again = false;
            continue;
        }
        /* A scheduler that is a step ahead takes the last step of a turn for one under way. */
        if (seat_has_work(server) && server->down == 0 && !again) {
            again = true;
            continue;
        }
        again = false;
        seat_leave(server);
        if (server->fleet->source->stirred || server->left) {
            server->left = false;
            source_wake(server->fleet->source); /* others run meanwhile: look again */
            continue;
        }
        seat_rest(server); /* likewise, where GPUs are shared */
        if (server->seat != NULL && server->wakes != wakes) {
            continue;
        }
        if (server->down > 0 || decision->preempted_count == 0) {
            double since = engine_clock();
            signal_wait(&lane->signal, SERVER_WAKE);
            if (server->down == 0) {
                finetuning_idle(server, since);
            }
        }
    }
}

void server_start(struct server *server)
{
    if (server->group != NULL) { /* its steps are the group's */
        signal_init(&server->lanes[0].signal);
        return;
    }
    for (uint32_t i = 0; i < server->lane_count; i++) {
        signal_init(&server->lanes[i].signal);
        actor_start(server->fleet->engine, server->first_gpu, lane_main, &server->lanes[i], true);
    }
}

void server_submit(struct server *server, uint32_t id)
{
    router_count(server, 1);
    batch_enqueue(&server->view, id);
    server_wake(server);
}
