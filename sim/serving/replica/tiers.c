/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/tiers.h"

#include "models/layout/cache_share.h"
#include "sim/scenario/replica.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/kv_move.h"
#include "sim/serving/replica/router.h"

#include <math.h>

enum { WRITER_WAKE = 1 };

static struct kv_tier *host_of(const struct server *server)
{
    const struct tiers *tiers = &server->fleet->tiers;
    uint32_t node = server->first_gpu / server->pool->scenario->cluster.gpus_per_node;
    bool shared = server->fleet->serving->service.tiers.host_shared;
    return &tiers->hosts[shared ? node : server->index];
}

static uint32_t block_tokens(const struct server *server)
{
    return server->pool->scenario->serving.service.block_tokens;
}

/* --- on their way --- */

/* What comes for a request, or (REQUEST_NONE) goes to the store. */
struct transfer {
    struct server *server;
    uint32_t request, epoch;
    uint32_t parts; /* under way */
    double begin_seconds;
};

/* Over the host's link until a time, or a flow between a GPU and the store. */
struct part {
    struct transfer *transfer;
    double until_seconds;
    uint32_t gpu, store_gpu;
    struct stage_totals *stage;
    double bytes, times;
};

static void arrive(const struct transfer *transfer)
{
    struct server *server = transfer->server;
    struct fleet *fleet = server->fleet;
    struct request *request = &fleet->requests->all[transfer->request];
    while (server->updating) {
        actor_sleep(1e-9);
    }
    if (request->scheduled_seconds < 0.0) {
        request->load_seconds = (float)(engine_clock() - transfer->begin_seconds);
    }
    if (server->epoch != transfer->epoch) {
        kv_cache_release(&server->view.kv, request);
        request->computed_tokens = 0;
        router_count(server, -1);
        server->view.incoming--;
        fleet_orphaned(fleet, transfer->request);
    } else {
        batch_loaded(&server->view, transfer->request);
        if (request->leaving != 0) {
            server_leave(server, transfer->request);
        }
    }
    source_wake(fleet->source);
    server_wake(server);
}

static void end_part(struct transfer *transfer)
{
    if (--transfer->parts > 0) {
        return;
    }
    if (transfer->request == REQUEST_NONE) {
        signal_wake(&transfer->server->writer, WRITER_WAKE);
    } else {
        arrive(transfer);
    }
}

static void host_main(void *data)
{
    const struct part *part = data;
    actor_sleep(fmax(0.0, part->until_seconds - engine_clock()));
    end_part(part->transfer);
}

static void flow_main(void *data)
{
    const struct part *part = data;
    const struct server *server = part->transfer->server;
    struct engine *engine = server->fleet->engine;
    bool out = part->transfer->request == REQUEST_NONE;
    enum link_kind kind = out ? LINK_NIC_OUT : LINK_NIC_IN;
    actor_sleep(server->fleet->scenario->cluster.fabric_latency_seconds);
    actor_send(engine, out ? part->gpu : part->store_gpu, out ? part->store_gpu : part->gpu,
               part->bytes, kv_move_limit(server, server->nic_share), part->times);
    uint32_t in_stage = server->pool->gpus_per_server / server->pool->scenario->layout.pipeline;
    stage_flow_end(part->stage, kind, part->bytes * part->times / in_stage);
    end_part(part->transfer);
}

static void start_part(struct transfer *transfer, const struct part *says, actor_code *code)
{
    struct fleet *fleet = transfer->server->fleet;
    struct part *part = ARENA_NEW(fleet->arena, struct part);
    *part = *says;
    part->transfer = transfer;
    transfer->parts++;
    actor_start(fleet->engine, part->gpu, code, part, true);
}

/* Between each GPU, or those of one card that stand for all, and every node of the store. */
static void start_flows(struct transfer *transfer, double bytes)
{
    struct server *server = transfer->server;
    const struct pool *pool = server->pool;
    const struct cluster *cluster = &pool->scenario->cluster;
    uint32_t per_card = cluster->gpus_per_node / cluster->nics_per_node;
    uint32_t gpus = pool->gpus_per_server,
             nodes = pool->scenario->serving.service.tiers.remote_nodes;
    bool folded = pool->scenario->detail == DETAIL_FOLDED && gpus % per_card == 0;
    uint32_t flows = folded ? per_card : gpus;
    enum link_kind kind = transfer->request == REQUEST_NONE ? LINK_NIC_OUT : LINK_NIC_IN;
    for (uint32_t i = 0; i < flows * nodes; i++) {
        struct part part = {.bytes = ceil(bytes / nodes), .times = (double)gpus / flows};
        part.gpu = kv_move_gpu(server, i % flows, &part.stage);
        part.store_gpu = server->fleet->tiers.store_gpu + i / flows * cluster->gpus_per_node +
                         part.gpu % cluster->gpus_per_node;
        stage_flow_begin(part.stage, kind);
        start_part(transfer, &part, flow_main);
    }
}

/* --- what comes --- */

/* Of one GPU. */
static double bytes_of(const struct server *server, uint64_t tokens)
{
    const struct pool *pool = server->pool;
    return pool->kv_bytes_per_token *
           (double)context_cached_tokens(tokens, pool->scenario->layout.context);
}

/* From the first block behind `cached` tokens to the first that no tier has. */
static uint32_t look_up(void *data, uint32_t id, uint32_t cached)
{
    struct server *server = data;
    const struct request *request = batch_request(&server->view, id);
    server->found[TIER_HOST] = server->found[TIER_REMOTE] = 0;
    if (request_is_own(request) && request->preemptions == 0) {
        return 0; /* nobody has put its text there */
    }
    uint32_t block = block_tokens(server), most = (request_target(request) - 1) / block;
    struct kv_tier *host = host_of(server), *remote = &server->fleet->tiers.remote;
    for (uint32_t i = cached / block; i < most; i++) {
        uint64_t label = kv_cache_label_at(&server->view.kv, request, i);
        if (kv_tier_find(host, label)) {
            server->found[TIER_HOST]++;
        } else if (kv_tier_find(remote, label)) {
            server->found[TIER_REMOTE]++;
        } else {
            break;
        }
    }
    return (server->found[TIER_HOST] + server->found[TIER_REMOTE]) * block;
}

/* What comes from the store is in the host's memory too from now on. */
static void promote(struct server *server, const struct request *request, uint32_t cached,
                    uint32_t tokens)
{
    uint32_t block = block_tokens(server), first = cached / block;
    for (uint32_t i = first; i < first + tokens / block; i++) {
        kv_tier_put(host_of(server), kv_cache_label_at(&server->view.kv, request, i));
    }
}

static void load(void *data, uint32_t id, uint32_t cached, uint32_t tokens)
{
    struct server *server = data;
    struct fleet *fleet = server->fleet;
    struct tiers *tiers = &fleet->tiers;
    const struct pool *pool = server->pool;
    struct request *request = batch_request(&server->view, id);
    uint32_t found[KV_TIER_COUNT];
    for (int i = 0; i < KV_TIER_COUNT; i++) {
        found[i] = server->found[i] * block_tokens(server);
        tiers->loaded_bytes[i] += bytes_of(server, found[i]) * pool->gpus_per_server;
    }
    if (request->scheduled_seconds < 0.0) {
        request->host_tokens = found[TIER_HOST];
        request->remote_tokens = found[TIER_REMOTE];
    }
    if (server->view.hooks.by_layer) {
        return; /* lane_swap() says how long the step waits */
    }
    struct transfer *transfer = ARENA_NEW(fleet->arena, struct transfer);
    *transfer = (struct transfer){
        .server = server, .request = id, .epoch = server->epoch, .begin_seconds = engine_clock()};
    if (found[TIER_REMOTE] > 0) {
        promote(server, request, cached, tokens);
        start_flows(transfer, bytes_of(server, found[TIER_REMOTE]));
    }
    if (found[TIER_HOST] > 0) {
        const struct host_copy copy = {.way = HOST_IN,
                                       .gpus = pool->gpus_per_server,
                                       .bytes = bytes_of(server, found[TIER_HOST]),
                                       .begin_seconds = server->host_free_seconds};
        server->host_free_seconds = engine_clock() + host_memory_copy(server, &copy);
        const struct part part = {.gpu = server->first_gpu,
                                  .until_seconds = server->host_free_seconds};
        start_part(transfer, &part, host_main);
    }
}

void tiers_load(struct server *server, uint32_t request, double until_seconds)
{
    struct transfer *transfer = ARENA_NEW(server->fleet->arena, struct transfer);
    *transfer = (struct transfer){.server = server,
                                  .request = request,
                                  .epoch = server->epoch,
                                  .begin_seconds = engine_clock()};
    const struct part part = {.gpu = server->first_gpu, .until_seconds = until_seconds};
    start_part(transfer, &part, host_main);
}

/* --- what goes --- */

static void put(void *data, uint64_t label)
{
    struct server *server = data;
    struct tiers *tiers = &server->fleet->tiers;
    uint32_t gpus = server->pool->gpus_per_server;
    double of_gpu = bytes_of(server, block_tokens(server)), bytes = of_gpu * gpus;
    if (kv_tier_put(host_of(server), label)) {
        const struct host_copy copy = {.way = HOST_OUT, .gpus = gpus, .bytes = of_gpu};
        host_memory_copy(server, &copy); /* nobody waits for it but other copies */
        tiers->stored_bytes[TIER_HOST] += bytes;
    }
    if (kv_tier_put(&tiers->remote, label)) {
        tiers->stored_bytes[TIER_REMOTE] += bytes;
        server->unsent_blocks++;
        signal_wake(&server->writer, WRITER_WAKE);
    }
}

/* Sends what has come together while the last was on its way. */
static void writer_main(void *data)
{
    struct server *server = data;
    struct transfer transfer = {.server = server, .request = REQUEST_NONE};
    for (;;) {
        if (transfer.parts == 0 && server->unsent_blocks > 0) {
            uint64_t tokens = server->unsent_blocks * block_tokens(server);
            server->unsent_blocks = 0;
            start_flows(&transfer, bytes_of(server, tokens));
        }
        signal_wait(&server->writer, WRITER_WAKE);
    }
}

/* --- */

static uint64_t blocks_of(const struct fleet *fleet, enum kv_tier_kind kind, double shares)
{
    const struct pool *pool = &fleet->pools[0];
    double bytes = pool->cache_bytes_per_token * pool->scenario->serving.service.block_tokens;
    return (uint64_t)(fleet->serving->service.tiers.capacity_bytes[kind] / shares / bytes);
}

/* Replicas that decode alone take in caches, and look nothing up. */
static bool uses_tiers(const struct server *server)
{
    return server->role != SERVER_DECODE && service_has_tiers(&server->fleet->serving->service);
}

void tiers_create(struct fleet *fleet)
{
    const struct kv_tiers *says = &fleet->serving->service.tiers;
    struct tiers *tiers = &fleet->tiers;
    uint32_t in_node = fleet->scenario->cluster.gpus_per_node;
    if (!service_has_tiers(&fleet->serving->service)) {
        return;
    }
    tiers->store_gpu = scenario_nodes(fleet->scenario) * in_node;
    tiers->host_count = says->host_shared ? scenario_nodes(fleet->scenario) : fleet->server_count;
    tiers->hosts = ARENA_ARRAY(fleet->arena, struct kv_tier, tiers->host_count);
    double ranks = says->host_shared ? 1.0 : pool_ranks(&fleet->pools[0]);
    for (uint32_t i = 0; i < tiers->host_count; i++) {
        kv_tier_create(&tiers->hosts[i], fleet->arena, blocks_of(fleet, TIER_HOST, ranks));
    }
    kv_tier_create(&tiers->remote, fleet->arena, blocks_of(fleet, TIER_REMOTE, 1.0));
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct server *server = &fleet->servers[i];
        if (uses_tiers(server)) {
            server->view.hooks.look_up = look_up;
            server->view.hooks.load = load;
            server->view.hooks.by_layer = says->load == TIER_LOAD_BY_LAYER;
            server->view.kv.sink = (struct kv_sink){
                .data = server, .put = put, .at_eviction = says->write == TIER_WRITE_BACK};
        }
    }
}

static bool has_writer(const struct server *server)
{
    return uses_tiers(server) && server->fleet->tiers.remote.capacity > 0;
}

void tiers_start(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct server *server = &fleet->servers[i];
        if (has_writer(server)) {
            signal_init(&server->writer);
            actor_start(fleet->engine, server->first_gpu, writer_main, server, true);
        }
    }
}

void tiers_destroy(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        if (has_writer(&fleet->servers[i])) {
            signal_destroy(&fleet->servers[i].writer);
        }
    }
}

void tiers_fail(struct server *server)
{
    server->view.promised_blocks = 0;
    if (uses_tiers(server) && !server->fleet->serving->service.tiers.host_shared) {
        kv_tier_clear(host_of(server));
    }
}
