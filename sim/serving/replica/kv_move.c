/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/kv_move.h"

#include "sim/serving/replica/fleet.h"

#include <math.h>

struct kv_move {
    struct fleet *fleet;
    struct server *from, *to;
    uint32_t request, from_epoch, to_epoch;
    struct request left; /* what `from` still holds */
    uint32_t flows;      /* under way */
    bool in_node;
    double bytes; /* of one GPU */
    double times; /* GPUs that a flow stands for */
};

struct kv_flow {
    struct kv_move *move;
    uint32_t gpu; /* of the replica */
};

static void arrive(struct kv_move *move)
{
    struct fleet *fleet = move->fleet;
    struct server *from = move->from, *to = move->to;
    struct request *request = &fleet->requests->all[move->request];
    kv_cache_release(&from->view.kv, &move->left);
    stage_flow_end(from->stages, move->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT, move->bytes);
    stage_flow_end(to->stages, move->in_node ? LINK_NVLINK_IN : LINK_NIC_IN, move->bytes);
    fleet->moved_bytes += move->bytes * fleet->gpus_per_replica;
    fleet->moves++;
    if (to->epoch != move->to_epoch || from->epoch != move->from_epoch) {
        kv_cache_release(&to->view.kv, request);
        request->computed_tokens = 0;
        to->outstanding--;
        to->view.incoming--;
        fleet_orphaned(fleet, move->request);
    } else {
        queue_push(&to->view.landed, fleet->requests->all, move->request);
    }
    source_wake(fleet->source);
    signal_wake(&to->lanes[0].signal, SERVER_WAKE);
    signal_wake(&from->lanes[0].signal, SERVER_WAKE);
}

/* What is still to send when the prefill ends. A cache that moves layer by layer has been on its
 * way since the first layer was done, at the rate that the links give a flow alone; the last
 * layer's part goes now in any case. */
static double left_bytes(const struct kv_move *move, bool in_node, double limit)
{
    const struct fleet *fleet = move->fleet;
    const struct cluster *cluster = &fleet->scenario->cluster;
    double layers = fleet->replica.llm->stack.layers, all_but_last = (layers - 1.0) / layers;
    double per_card = (double)cluster->gpus_per_node / cluster->nics_per_node;
    double rate = in_node ? cluster->node_bytes_per_second
                          : fmin(limit, cluster->nic_bytes_per_second / per_card);
    double seconds = (double)fleet->requests->all[move->request].streamed_seconds * all_but_last;
    return ceil(move->bytes - fmin(move->bytes * all_but_last, rate * seconds));
}

static void flow_main(void *data)
{
    const struct kv_flow *flow = data;
    struct kv_move *move = flow->move;
    struct fleet *fleet = move->fleet;
    const struct cluster *cluster = &fleet->scenario->cluster;
    uint32_t from = move->from->first_gpu + flow->gpu, to = move->to->first_gpu + flow->gpu;
    bool in_node = from / cluster->gpus_per_node == to / cluster->gpus_per_node;
    double share = fmin(move->from->nic_share, move->to->nic_share);
    double limit = 0.0;
    if (!in_node) {
        double nic = cluster->nic_bytes_per_second * share;
        double connection = cluster->connection_bytes_per_second;
        limit = connection > 0.0 && connection < nic ? connection : nic;
        actor_sleep(cluster->fabric_latency_seconds);
    }
    actor_send(fleet->engine, from, to, left_bytes(move, in_node, limit), limit, move->times);
    if (--move->flows == 0) {
        while (move->to->updating || move->from->updating) {
            actor_sleep(1e-9);
        }
        arrive(move);
    }
}

void kv_move_start(struct fleet *fleet, struct server *from, struct server *to, uint32_t id)
{
    const struct scenario *scenario = fleet->scenario;
    struct request *request = &fleet->requests->all[id];
    /* GPUs of a node that share no card never meet: one card's GPUs stand for all. */
    uint32_t per_card = scenario->cluster.gpus_per_node / scenario->cluster.nics_per_node;
    uint32_t gpus = fleet->gpus_per_replica;
    bool folded = scenario->detail == DETAIL_FOLDED && gpus % per_card == 0;
    struct kv_move *move = ARENA_NEW(fleet->arena, struct kv_move);
    *move = (struct kv_move){
        .fleet = fleet,
        .from = from,
        .to = to,
        .request = id,
        .from_epoch = from->epoch,
        .to_epoch = to->epoch,
        .left = *request,
        .flows = folded ? per_card : gpus,
        .bytes =
            ceil(fleet->kv_bytes_per_token *
                 (double)context_cached_tokens(request->computed_tokens, scenario->layout.context)),
        .times = folded ? (double)gpus / per_card : 1.0,
    };
    uint32_t per_node = scenario->cluster.gpus_per_node;
    move->in_node = from->first_gpu / per_node == to->first_gpu / per_node;
    stage_flow_begin(from->stages, move->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT);
    stage_flow_begin(to->stages, move->in_node ? LINK_NVLINK_IN : LINK_NIC_IN);
    for (uint32_t i = 0, flows = move->flows; i < flows; i++) {
        struct kv_flow *flow = ARENA_NEW(fleet->arena, struct kv_flow);
        *flow = (struct kv_flow){.move = move, .gpu = i};
        actor_start(fleet->engine, from->first_gpu + i, flow_main, flow, true);
    }
}

bool kv_move_fetch(struct server *to, uint32_t id, uint64_t room)
{
    struct fleet *fleet = to->fleet;
    struct request *request = &fleet->requests->all[id];
    struct server *from = &fleet->servers[request->home];
    bool gone = from->epoch != request->home_epoch; /* with the replica that had it */
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
        to->outstanding--;
        fleet_orphaned(fleet, id);
        return true;
    }
    to->view.incoming++;
    request->state = REQUEST_MOVING;
    kv_move_start(fleet, from, to, id);
    request->holder = wanted.holder;
    return true;
}
