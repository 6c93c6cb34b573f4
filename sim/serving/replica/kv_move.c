/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/kv_move.h"

#include "models/layout/cache_share.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/router.h"

#include <math.h>

struct kv_move {
    struct fleet *fleet;
    struct server *from, *to;
    uint32_t request, from_epoch, to_epoch;
    struct request left; /* what `from` still holds */
    uint32_t flows;      /* under way */
    double started_seconds;
};

/* From one GPU to another. */
struct kv_flow {
    struct kv_move *move;
    uint32_t from_gpu, to_gpu;
    struct stage_totals *from_stage, *to_stage;
    bool in_node;
    double bytes;
    double times; /* flows alike that it stands for */
};

static void arrive(struct kv_move *move)
{
    struct fleet *fleet = move->fleet;
    struct server *from = move->from, *to = move->to;
    struct request *request = &fleet->requests->all[move->request];
    kv_cache_release(&from->view.kv, &move->left);
    fleet->moves++;
    request->move_seconds += (float)(engine_clock() - move->started_seconds);
    if (to->epoch != move->to_epoch || from->epoch != move->from_epoch) {
        kv_cache_release(&to->view.kv, request);
        request->computed_tokens = 0;
        router_count(to, -1);
        to->view.incoming--;
        batch_expect_adapter(&to->view, move->request, -1);
        fleet_orphaned(fleet, move->request);
    } else {
        queue_push(&to->view.landed, fleet->requests->all, move->request);
    }
    source_wake(fleet->source);
    server_wake(to);
    server_wake(from);
}

/* What is still to send when the prefill ends. A cache that moves layer by layer has been on its
 * way since the first layer was done, at the rate that the links give a flow alone; the last
 * layer's part goes now in any case. */
static double left_bytes(const struct kv_flow *flow, double limit)
{
    const struct kv_move *move = flow->move;
    const struct pool *pool = move->from->pool;
    const struct cluster *cluster = &pool->scenario->cluster;
    double layers = pool->replica.llm->stack.layers, all_but_last = (layers - 1.0) / layers;
    double per_card = (double)cluster->gpus_per_node / cluster->nics_per_node;
    double rate = flow->in_node ? cluster->node_bytes_per_second
                                : fmin(limit, cluster->nic_bytes_per_second / per_card);
    const struct request *request = &move->fleet->requests->all[move->request];
    double seconds = (double)request->streamed_seconds * all_but_last;
    return ceil(flow->bytes - fmin(flow->bytes * all_but_last, rate * seconds));
}

double kv_move_limit(const struct server *server, double share)
{
    const struct cluster *cluster = &server->pool->scenario->cluster;
    double nic = cluster->nic_bytes_per_second * share;
    double connection = cluster->connection_bytes_per_second;
    return connection > 0.0 && connection < nic ? connection : nic;
}

/* A flow's bytes as the mean of its stage's GPUs, which is what totals are. */
static double of_gpu(const struct server *server, const struct kv_flow *flow)
{
    const struct pool *pool = server->pool;
    return flow->bytes * flow->times / (pool->gpus_per_server / pool->scenario->layout.pipeline);
}

static void end_flow(struct kv_move *move)
{
    if (--move->flows == 0) {
        while (move->to->updating || move->from->updating) {
            actor_sleep(1e-9);
        }
        arrive(move);
    }
}

/* The GPUs that computed the prompt decode now: nothing moves. */
static void stay_main(void *data)
{
    actor_sleep(1e-9); /* who asked for it waits by then */
    end_flow(data);
}

static void flow_main(void *data)
{
    const struct kv_flow *flow = data;
    struct kv_move *move = flow->move;
    struct fleet *fleet = move->fleet;
    double limit = 0.0;
    if (!flow->in_node) {
        double share = fmin(move->from->nic_share, move->to->nic_share);
        limit = fmin(kv_move_limit(move->from, share), kv_move_limit(move->to, share));
        actor_sleep(fleet->scenario->cluster.fabric_latency_seconds);
    }
    actor_send(fleet->engine, flow->from_gpu, flow->to_gpu, left_bytes(flow, limit), limit,
               flow->times);
    stage_flow_end(flow->from_stage, flow->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT,
                   of_gpu(move->from, flow));
    stage_flow_end(flow->to_stage, flow->in_node ? LINK_NVLINK_IN : LINK_NIC_IN,
                   of_gpu(move->to, flow));
    fleet->moved_bytes += flow->bytes * flow->times;
    end_flow(move);
}

uint32_t kv_move_gpu(const struct server *server, uint32_t rank, struct stage_totals **stage)
{
    const struct pool *pool = server->pool;
    uint32_t in_stage = pool->gpus_per_server / pool->scenario->layout.pipeline;
    *stage = &server->stages[rank / in_stage];
    return server->first_gpu + rank % in_stage +
           rank / in_stage * pool->placement.stride[DIMENSION_PIPELINE];
}

static void start_flow(struct kv_move *move, uint32_t from_rank, uint32_t to_rank, double bytes,
                       double times)
{
    struct fleet *fleet = move->fleet;
    struct kv_flow *flow = ARENA_NEW(fleet->arena, struct kv_flow);
    uint32_t per_node = fleet->scenario->cluster.gpus_per_node;
    *flow = (struct kv_flow){.move = move, .bytes = bytes, .times = times};
    flow->from_gpu = kv_move_gpu(move->from, from_rank, &flow->from_stage);
    flow->to_gpu = kv_move_gpu(move->to, to_rank, &flow->to_stage);
    flow->in_node = flow->from_gpu / per_node == flow->to_gpu / per_node;
    stage_flow_begin(flow->from_stage, flow->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT);
    stage_flow_begin(flow->to_stage, flow->in_node ? LINK_NVLINK_IN : LINK_NIC_IN);
    move->flows++;
    actor_start(fleet->engine, flow->from_gpu, flow_main, flow, true);
}

/* Each GPU sends what it has to its counterpart. GPUs of a node that share no card never meet: one
 * card's GPUs stand for all. */
static void send_to_counterparts(struct kv_move *move, double tokens)
{
    const struct pool *pool = move->from->pool;
    const struct scenario *scenario = pool->scenario;
    uint32_t per_card = scenario->cluster.gpus_per_node / scenario->cluster.nics_per_node;
    uint32_t gpus = pool->gpus_per_server;
    bool folded = scenario->detail == DETAIL_FOLDED && gpus % per_card == 0;
    uint32_t flows = folded ? per_card : gpus;
    double bytes = ceil(pool->kv_bytes_per_token * tokens);
    for (uint32_t i = 0; i < flows; i++) {
        start_flow(move, i, i, bytes, (double)gpus / flows);
    }
}

/* Each GPU that reads gets its part from those that have it. */
static void send_by_parts(struct kv_move *move, double tokens)
{
    const struct pool *from = move->from->pool, *to = move->to->pool;
    double bytes = from->cache_bytes_per_token * tokens;
    for (uint32_t i = 0; i < to->gpus_per_server; i++) {
        struct cache_share wanted = cache_share_of(&to->replica, to->cache_parts, i);
        for (uint32_t j = 0; j < from->gpus_per_server; j++) {
            struct cache_share had = cache_share_of(&from->replica, from->cache_parts, j);
            double share = cache_share_sent(&had, &wanted);
            if (share > 0.0) {
                start_flow(move, j, i, ceil(bytes * share), 1.0);
            }
        }
    }
}

static bool alike(const struct layout *a, const struct layout *b)
{
    return a->tensor == b->tensor && a->context == b->context && a->pipeline == b->pipeline;
}

void kv_move_start(struct fleet *fleet, struct server *from, struct server *to, uint32_t id)
{
    struct request *request = &fleet->requests->all[id];
    const struct layout *layout = &from->pool->scenario->layout;
    struct kv_move *move = ARENA_NEW(fleet->arena, struct kv_move);
    *move = (struct kv_move){
        .fleet = fleet,
        .from = from,
        .to = to,
        .request = id,
        .from_epoch = from->epoch,
        .to_epoch = to->epoch,
        .left = *request,
        .started_seconds = engine_clock(),
    };
    request->room_seconds += (float)fmax(0.0, engine_clock() - request->last_token_seconds);
    if (from->first_gpu == to->first_gpu) {
        move->flows = 1;
        actor_start(fleet->engine, to->first_gpu, stay_main, move, true);
    } else if (alike(layout, &to->pool->scenario->layout)) {
        send_to_counterparts(
            move, (double)context_cached_tokens(request->computed_tokens, layout->context));
    } else {
        send_by_parts(move, (double)request->computed_tokens);
    }
}

bool kv_move_fetch(struct server *to, uint32_t id, uint64_t room)
{
    struct fleet *fleet = to->fleet;
    struct request *request = &fleet->requests->all[id];
    struct server *from = &fleet->servers[request->home];
    bool gone = from->epoch != request->home_epoch; /* with the replica that had it */
    bool here = from->first_gpu == to->first_gpu;   /* it changed its phase since */
    uint64_t had = here ? kv_cache_blocks_of(&from->view.kv, request->computed_tokens) : 0;
    if (!gone && !switching_has_room(to, kv_cache_blocks_of(&to->view.kv, room), had)) {
        return false;
    }
    struct request wanted = {.content = CONTENT_OWN};
    const struct kv_wish wish = {.tokens = room, .most = UINT64_MAX};
    if (!gone && !kv_cache_grow(&to->view.kv, &wanted, &wish)) {
        return false;
    }
    queue_pop(&to->view.waiting, fleet->requests->all);
    to->view.pending_tokens -= request->pending_tokens;
    request->pending_tokens = 0;
    if (gone) {
        kv_cache_release(&from->view.kv, request);
        request->computed_tokens = 0;
        router_count(to, -1);
        fleet_orphaned(fleet, id);
        return true;
    }
    to->view.incoming++;
    request->state = REQUEST_MOVING;
    kv_move_start(fleet, from, to, id);
    request->holder = wanted.holder;
    return true;
}

void kv_move_forget(struct server *to, uint32_t id)
{
    struct fleet *fleet = to->fleet;
    struct request *request = &fleet->requests->all[id];
    struct server *from = &fleet->servers[request->home];
    queue_remove(&to->view.waiting, fleet->requests->all, id);
    batch_set_pending(&to->view, request, 0);
    kv_cache_release(&from->view.kv, request);
    request->computed_tokens = 0;
    request->state = REQUEST_LOST;
    server_wake(from); /* it may have had no room */
}
