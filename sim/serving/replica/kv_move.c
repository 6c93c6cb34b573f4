/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/kv_move.h"

#include "sim/serving/serving.h"

#include <math.h>

struct kv_move {
    struct serving_run *run;
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
    struct serving_run *run = move->run;
    struct server *from = move->from, *to = move->to;
    struct request *request = &run->requests[move->request];
    kv_cache_release(&from->kv, &move->left);
    stage_flow_end(from->stages, move->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT, move->bytes);
    stage_flow_end(to->stages, move->in_node ? LINK_NVLINK_IN : LINK_NIC_IN, move->bytes);
    run->moved_bytes += move->bytes * run->gpus_per_replica;
    run->moves++;
    if (to->epoch != move->to_epoch || from->epoch != move->from_epoch) {
        kv_cache_release(&to->kv, request);
        request->computed_tokens = 0;
        to->outstanding--;
        to->incoming--;
        serving_orphaned(run, move->request);
    } else {
        queue_push(&to->landed, run->requests, move->request);
    }
    source_wake(&run->source);
    signal_wake(&to->signal, SERVER_WAKE);
    signal_wake(&from->signal, SERVER_WAKE);
}

/* What is still to send when the prefill ends. A cache that moves layer by layer has been on its
 * way since the first layer was done, at the rate that the links give a flow alone; the last
 * layer's part goes now in any case. */
static double left_bytes(const struct kv_move *move, bool in_node, double limit)
{
    const struct serving_run *run = move->run;
    const struct cluster *cluster = &run->scenario->cluster;
    double layers = run->replica.llm->keys.layers, all_but_last = (layers - 1.0) / layers;
    double per_card = (double)cluster->gpus_per_node / cluster->nics_per_node;
    double rate = in_node ? cluster->node_bytes_per_second
                          : fmin(limit, cluster->nic_bytes_per_second / per_card);
    double seconds = (double)run->requests[move->request].streamed_seconds * all_but_last;
    return ceil(move->bytes - fmin(move->bytes * all_but_last, rate * seconds));
}

static void flow_main(void *data)
{
    const struct kv_flow *flow = data;
    struct kv_move *move = flow->move;
    struct serving_run *run = move->run;
    const struct cluster *cluster = &run->scenario->cluster;
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
    actor_send(run->engine, from, to, left_bytes(move, in_node, limit), limit, move->times);
    if (--move->flows == 0) {
        while (move->to->updating || move->from->updating) {
            actor_sleep(1e-9);
        }
        arrive(move);
    }
}

void kv_move_start(struct serving_run *run, struct server *from, struct server *to, uint32_t id)
{
    const struct scenario *scenario = run->scenario;
    struct request *request = &run->requests[id];
    /* GPUs of a node that share no card never meet: one card's GPUs stand for all. */
    uint32_t per_card = scenario->cluster.gpus_per_node / scenario->cluster.nics_per_node;
    uint32_t gpus = run->gpus_per_replica;
    bool folded = scenario->detail == DETAIL_FOLDED && gpus % per_card == 0;
    struct kv_move *move = ARENA_NEW(run->arena, struct kv_move);
    *move = (struct kv_move){
        .run = run,
        .from = from,
        .to = to,
        .request = id,
        .from_epoch = from->epoch,
        .to_epoch = to->epoch,
        .left = *request,
        .flows = folded ? per_card : gpus,
        .bytes =
            ceil(run->kv_bytes_per_token *
                 (double)context_cached_tokens(request->computed_tokens, scenario->layout.context)),
        .times = folded ? (double)gpus / per_card : 1.0,
    };
    uint32_t per_node = scenario->cluster.gpus_per_node;
    move->in_node = from->first_gpu / per_node == to->first_gpu / per_node;
    stage_flow_begin(from->stages, move->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT);
    stage_flow_begin(to->stages, move->in_node ? LINK_NVLINK_IN : LINK_NIC_IN);
    for (uint32_t i = 0, flows = move->flows; i < flows; i++) {
        struct kv_flow *flow = ARENA_NEW(run->arena, struct kv_flow);
        *flow = (struct kv_flow){.move = move, .gpu = i};
        actor_start(run->engine, from->first_gpu + i, flow_main, flow, true);
    }
}

bool serving_move_cache(struct serving_run *run, struct server *to, uint32_t id, uint64_t room)
{
    struct request *request = &run->requests[id];
    struct server *from = &run->servers[request->home];
    bool gone = from->epoch != request->home_epoch; /* with the replica that had it */
    struct request wanted = {.content = CONTENT_OWN};
    if (!gone && !kv_cache_reserve(&to->kv, &wanted, room)) {
        return false;
    }
    queue_pop(&to->waiting, run->requests);
    to->pending_tokens -= request_target(request) - request->computed_tokens;
    if (gone) {
        kv_cache_release(&from->kv, request);
        request->computed_tokens = 0;
        to->outstanding--;
        serving_orphaned(run, id);
        return true;
    }
    to->incoming++;
    request->state = REQUEST_MOVING;
    kv_move_start(run, from, to, id);
    request->blocks = wanted.blocks;
    request->shared_blocks = 0;
    return true;
}
