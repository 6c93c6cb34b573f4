/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/fleet.h"

#include "models/layout/model_stage.h"
#include "models/numeric/random.h"
#include "models/passes/adapters.h"
#include "sim/scenario/adapter_checks.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"
#include "sim/serving/batching/price_store.h"
#include "sim/serving/replica/protection.h"
#include "sim/serving/replica/retired.h"
#include "sim/serving/replica/router.h"
#include "sim/serving/replica/step_group.h"

#include <math.h>

/* --- pools --- */

uint32_t pool_ranks(const struct pool *pool)
{
    return layout_attention_data(&pool->scenario->layout);
}

/* Stages load theirs at once: the first one's stands for all. Each worker reads a whole one. */
static void price_adapters(struct pool *pool)
{
    const struct scenario *scenario = pool->scenario;
    const struct service_adapters *says = &scenario->serving.service.adapters;
    struct model_stage stage = model_stage(&scenario->llm, scenario->layout.pipeline, 0);
    struct model_stage whole = model_stage(&scenario->llm, 1, 0);
    const struct layout one = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica alone = pool->replica;
    alone.layout = &one;
    pool->adapter_hand_seconds = adapters_matrices(&pool->replica, &stage, says->targets) *
                                 scenario->software.adapters.load_matrix_seconds;
    pool->adapter_room_bytes = adapters_room_bytes(scenario, &stage);
    pool->adapter_bytes = adapters_bytes(&pool->replica, &stage, says->targets, says->rank);
    if (says->storage_bytes_per_second > 0.0) {
        pool->adapter_read_seconds = adapters_bytes(&alone, &whole, says->targets, says->rank) /
                                     says->storage_bytes_per_second;
    }
}

/* How its servers keep their caches. */
static void lay_out(struct pool *pool, const struct kv_room *room)
{
    const struct scenario *scenario = pool->scenario;
    const struct service *service = &scenario->serving.service;
    const struct proposer *proposer = proposer_of(service);
    struct kv_grouping grouping;
    if (scenario_serving_kv_grouping(scenario, &grouping)) {
        pool->kv_layout = kv_layout_grouped(&grouping, service->max_batched_tokens,
                                            scenario->llm.context, service->prefix_cache);
        pool->kv_page_bytes = grouping.block_bytes;
    } else {
        uint32_t context = scenario->layout.context;
        pool->kv_layout = kv_layout_plain(service->block_tokens, service->prefix_cache);
        pool->kv_layout.beside = kv_beside_of(room, context, service->block_tokens);
        pool->kv_page_bytes = room->token_bytes * service->block_tokens / context;
    }
    pool->kv_layout.drops_last = proposer != NULL && proposer->drops_last;
}

static void create_pool(struct fleet *fleet, uint32_t index)
{
    struct pool *pool = &fleet->pools[index];
    struct pool_place place = scenario_pool(fleet->scenario, index);
    const struct scenario *scenario = place.scenario;
    struct kv_room room = {0};
    *pool = (struct pool){
        .scenario = scenario,
        .replica = scenario_replica(scenario),
        .placement = placement_of(&place.layout, &scenario->cluster, STAGES_INSIDE),
        .index = index,
        .first_gpu = place.first_gpu,
        .server_count = place.layout.data * layout_attention_data(&place.layout),
        .kv_pages = scenario_serving_kv_pages(scenario),
        .memory = scenario_serving_memory(scenario, &room),
    };
    pool->gpus_per_server = layout_gpus(&place.layout) / pool->server_count;
    pool->kv_bytes_per_token = room.token_bytes;
    const struct layout one = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica alone = pool->replica;
    alone.layout = &one;
    pool->cache_bytes_per_token = memory_kv_bytes_per_token(&alone);
    double of_rank = memory_kv_bytes_per_token(&pool->replica);
    double parts = of_rank > 0.0 ? round(pool->cache_bytes_per_token / of_rank) : 1.0;
    pool->cache_bytes_per_token += speculation_token_bytes(scenario, &one);
    pool->cache_parts = place.layout.tensor % (uint32_t)parts == 0 ? (uint32_t)parts : 1;
    lay_out(pool, &room);
    pool->group_count = pool_ranks(pool) > 1 ? place.layout.data : 0;
    if (scenario->serving.service.adapters.max_adapters > 0) {
        price_adapters(pool);
    }
}

static void create_servers(struct fleet *fleet, struct pool *pool, uint32_t first)
{
    uint32_t ranks = pool_ranks(pool);
    enum server_role role = fleet->pool_count == 1        ? SERVER_WHOLE
                            : pool->index == POOL_PREFILL ? SERVER_PREFILL
                                                          : SERVER_DECODE;
    pool->servers = &fleet->servers[first];
    for (uint32_t i = 0; i < pool->server_count; i++) {
        server_create(&pool->servers[i], fleet, pool, first + i, role);
    }
    router_open(pool, fleet->arena);
    pool->groups = ARENA_ARRAY(fleet->arena, struct step_group, pool->group_count);
    for (uint32_t i = 0; i < pool->group_count; i++) {
        step_group_create(&pool->groups[i], &pool->servers[(size_t)i * ranks], ranks, fleet->arena);
    }
}

void fleet_create(struct fleet *fleet)
{
    fleet->may_leave = serving_may_leave(fleet->serving);
    fleet->pool_count = scenario_pool_count(fleet->scenario);
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        create_pool(fleet, i);
        fleet->server_count += fleet->pools[i].server_count;
    }
    fleet->servers = ARENA_ARRAY(fleet->arena, struct server, fleet->server_count);
    uint32_t first = 0;
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        create_servers(fleet, &fleet->pools[i], first);
        first += fleet->pools[i].server_count;
    }
    host_memory_create(fleet);
    tiers_create(fleet);
    protection_create(fleet);
    scaling_create(fleet);
    switching_create(fleet);
    finetuning_create(fleet);
}

uint32_t fleet_gpus(const struct fleet *fleet)
{
    const struct pool *last = &fleet->pools[fleet->pool_count - 1];
    return last->first_gpu + last->placement.ranks;
}

const struct pool *fleet_pool_of(const struct fleet *fleet, uint32_t gpu)
{
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        const struct pool *pool = &fleet->pools[i];
        if (gpu >= pool->first_gpu && gpu < pool->first_gpu + pool->placement.ranks) {
            return pool;
        }
    }
    return NULL;
}

bool fleet_shares_gpus(const struct fleet *fleet)
{
    return fleet->serving->service.switching.policy != SWITCHING_NONE;
}

uint32_t fleet_replica_of(const struct fleet *fleet, const struct server *server)
{
    const struct pool *pool = server->pool;
    bool first = pool->index == 0 || fleet_shares_gpus(fleet);
    uint32_t before = first ? 0 : fleet->pools[0].placement.size[DIMENSION_DATA];
    return before + (uint32_t)(server - pool->servers) / pool_ranks(pool);
}

/* --- running --- */

void fleet_start(struct fleet *fleet)
{
    tiers_start(fleet);
    scaling_start(fleet);
    switching_start(fleet);
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        server_start(&fleet->servers[i]);
    }
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        for (uint32_t j = 0; j < fleet->pools[i].group_count; j++) {
            step_group_start(&fleet->pools[i].groups[j]);
        }
    }
}

void fleet_destroy(struct fleet *fleet)
{
    tiers_destroy(fleet);
    scaling_destroy(fleet);
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        server_destroy(&fleet->servers[i]);
    }
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        for (uint32_t j = 0; j < fleet->pools[i].group_count; j++) {
            step_group_destroy(&fleet->pools[i].groups[j]);
        }
    }
}

void fleet_end(struct fleet *fleet, uint32_t id, enum request_state state)
{
    struct request *request = &fleet->requests->all[id];
    request->state = (uint8_t)state;
    request->last_token_seconds =
        state == REQUEST_DONE ? request->last_token_seconds : engine_clock();
    fleet->requests->finished++;
    fleet->answered += state == REQUEST_DONE;
    fleet->answer_tokens += state == REQUEST_DONE ? request->output_tokens : 0;
    fleet->listener.ended(fleet->listener.data, id);
    source_follow(fleet->source, id);
    retire(fleet, id);
}

/* Whether the caches of a pool's replicas can hold so many tokens of a request. */
static bool holds(const struct pool *pool, uint64_t tokens)
{
    return kv_layout_blocks(&pool->kv_layout, tokens) <= pool->kv_pages;
}

/* A sequence of so many tokens beside others in vLLM's memory. */
static uint64_t full_pages(const struct pool *pool, uint64_t tokens)
{
    const struct service *service = &pool->scenario->serving.service;
    struct kv_layout layout = pool->kv_layout;
    bool windows = layout.beside.window_tokens > 0 && service->policy == BATCHING_VLLM;
    /* A window lets go of what a step has passed when it is over: vLLM counts both. */
    layout.beside.window_tokens += windows ? service->max_batched_tokens - 1 : 0;
    return kv_layout_blocks(&layout, tokens);
}

double pool_full_length_requests(const struct pool *pool)
{
    uint64_t context = pool->scenario->llm.context;
    return context > 0 ? (double)pool->kv_pages / (double)full_pages(pool, context) : 0.0;
}

uint64_t pool_longest_request(const struct pool *pool)
{
    uint64_t fits = 0, more = pool->scenario->llm.context;
    if (more == 0 || full_pages(pool, more) <= pool->kv_pages) {
        return more;
    }
    while (more - fits > 1) {
        uint64_t middle = fits + (more - fits) / 2;
        bool holds_it = full_pages(pool, middle) <= pool->kv_pages;
        fits = holds_it ? middle : fits;
        more = holds_it ? more : middle;
    }
    return fits;
}

void fleet_leave(struct fleet *fleet, uint32_t id, enum request_state state)
{
    struct request *request = &fleet->requests->all[id];
    if (request_is_over(request) || request->leaving != 0) {
        return;
    }
    request->leaving = (uint8_t)state;
    if (request->state != REQUEST_COMING) { /* who is coming is sent back at the door */
        server_leave(&fleet->servers[request->replica], id);
    }
}

void fleet_route(struct fleet *fleet, uint32_t id)
{
    struct request *request = &fleet->requests->all[id];
    if (request->leaving != 0) {
        fleet_end(fleet, id, (enum request_state)request->leaving);
        return;
    }
    uint64_t prompt = request->prompt_tokens, tokens = prompt + request->output_tokens;
    uint64_t context = fleet->scenario->llm.context;
    bool pools = fleet->pool_count > 1;
    const struct service *decodes = &fleet->pools[fleet->pool_count - 1].scenario->serving.service;
    if (context > 0 && prompt >= context) { /* as vLLM's front end does */
        fleet_end(fleet, id, REQUEST_REJECTED);
        return;
    }
    /* Answers are no matter of those that prefill. */
    if (!holds(&fleet->pools[0], pools && fleet->scenario->pools[0] != NULL ? prompt : tokens) ||
        (pools && !holds(&fleet->pools[1], tokens + 3ULL * service_drafts(decodes)))) {
        fleet_end(fleet, id, REQUEST_REJECTED);
        return;
    }
    if (sharing_holds(fleet, id)) {
        return;
    }
    request->replica = scaling_waits_at(fleet);
    if (request->replica == UINT32_MAX) {
        request->replica = router_choose(fleet, &fleet->pools[0], request);
    }
    request->queued_seconds = engine_clock();
    const struct service *service = &fleet->pools[0].scenario->serving.service;
    struct server *server = &fleet->servers[request->replica];
    if (service->max_waiting > 0 && server->view.waiting.count >= service->max_waiting) {
        fleet_end(fleet, id, REQUEST_REFUSED);
        return;
    }
    if (service->max_wait_seconds > 0.0) {
        source_alarm(fleet->source, id, engine_clock() + service->max_wait_seconds, DUE_MAX_WAIT);
    }
    server_submit(server, id);
}

void fleet_orphaned(struct fleet *fleet, uint32_t id)
{
    uint8_t leaving = fleet->requests->all[id].leaving;
    if (leaving != 0) {
        fleet_end(fleet, id, (enum request_state)leaving);
        return;
    }
    if (fleet->serving->fate == FATE_LOSE) {
        fleet->lost++;
        fleet_end(fleet, id, REQUEST_LOST);
        return;
    }
    struct request *request = &fleet->requests->all[id];
    fleet->retries++;
    request->retries++;
    request->generated_tokens = 0;
    request->room_seconds = request->move_seconds = 0.0F; /* what follows is of the next try */
    request->state = REQUEST_COMING;
    source_schedule(fleet->source, id, engine_clock());
}

/* How long a cache that moves layer by layer has been on its way when its prefill ends: as long as
 * the step that computed it lasted, if the other side has room for it now. */
static float streamed_seconds(const struct lane *from, const struct server *to,
                              const struct request *request)
{
    const struct service *service = &to->pool->scenario->serving.service;
    const struct batch_view *view = &to->view;
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    bool room = to->down == 0 && view->waiting.count == 0 &&
                view->running_count + view->incoming < service->max_sequences &&
                kv_cache_blocks_of(&view->kv, tokens) <= kv_cache_available(&view->kv);
    return service->kv_transfer == TRANSFER_BY_LAYER && room ? (float)from->step_seconds : 0.0F;
}

void fleet_hand_over(struct fleet *fleet, const struct lane *from, uint32_t id)
{
    struct request *request = &fleet->requests->all[id];
    request->home = from->server->index;
    request->home_epoch = from->server->epoch;
    request->replica = router_choose(fleet, &fleet->pools[POOL_DECODE], request);
    request->streamed_seconds = streamed_seconds(from, &fleet->servers[request->replica], request);
    server_submit(&fleet->servers[request->replica], id);
}

struct step_costs **fleet_costs(struct fleet *fleet, struct pool *pool, double nic_share)
{
    for (struct network_costs *costs = pool->costs; costs != NULL; costs = costs->next) {
        if (costs->nic_share == nic_share) {
            return costs->stages;
        }
    }
    uint32_t stages = pool->scenario->layout.pipeline;
    struct network_costs *costs = ARENA_NEW(fleet->arena, struct network_costs);
    *costs =
        (struct network_costs){.nic_share = nic_share,
                               .stages = ARENA_ARRAY(fleet->arena, struct step_costs *, stages),
                               .next = pool->costs};
    uint64_t own = pool->scenario->is_pool ? (pool->index + 1ULL) << 32 : 0;
    own += pool->scenario->is_tenant ? (pool->scenario->tenant + 1ULL) << 40 : 0;
    for (uint32_t i = 0; i < stages; i++) {
        costs->stages[i] = step_costs_create(fleet->arena, pool->scenario, i, nic_share);
        if (fleet->prices != NULL && nic_share >= 1.0) { /* prices of weak cards are not shared */
            step_costs_share(costs->stages[i], fleet->prices,
                             random_mix(random_mix(fleet->price_kind) + own + i));
        }
    }
    pool->costs = costs;
    return costs->stages;
}
