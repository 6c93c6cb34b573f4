/* SPDX-License-Identifier: MIT */
#include "sim/training/training_player.h"

#include <math.h>

/* --- queues --- */

void player_push(struct queue *queue, enum request_kind kind, uint32_t cell)
{
    queue->requests[queue->count++] = (struct request){.kind = kind, .cell = cell};
    signal_wake(&queue->signal, SIGNAL_WORK);
}

struct request player_pop(struct queue *queue)
{
    if (queue->first == queue->count) {
        signal_wait(&queue->signal, SIGNAL_WORK);
    }
    return queue->requests[queue->first++];
}

/* --- flows --- */

double stage_flow_limit(const struct stage_player *from, uint32_t to, double limit)
{
    const struct player *player = from->player;
    uint32_t gpus = player->cluster.gpus_per_node;
    double share = player->play->degraded_link;
    if (from->stage > 0 || share >= 1.0 || from->gpu / gpus == to / gpus) {
        return limit;
    }
    double kept = share * player->cluster.nic_bytes_per_second;
    return limit > 0.0 ? fmin(limit, kept) : kept;
}

/* One flow of several that start at once. */
struct side_flow {
    struct stage_player *from;
    uint32_t to;
    double bytes, limit;
    uint32_t *left;
    struct actor_signal *done;
};

static void run_side_flow(void *data)
{
    struct side_flow *flow = data;
    actor_send(flow->from->player->engine, flow->from->gpu, flow->to, flow->bytes, flow->limit,
               1.0);
    if (--*flow->left == 0) {
        signal_wake(flow->done, SIGNAL_WORK);
    }
}

/* `pieces` collectives of the plan, one after the other. */
static void run_exchange(struct stage_player *stage, const struct collective_plan *plan,
                         double pieces)
{
    const struct player *player = stage->player;
    const struct training *training = player->play->training;
    if (pieces <= 0.0 || plan->flow_count == 0) {
        return;
    }
    actor_sleep(pieces * plan->latency_seconds);
    struct side_flow flows[COLLECTIVE_MAX_FLOWS];
    struct actor_signal done = {0};
    uint32_t left = plan->flow_count - 1;
    uint32_t real_gpu = player_stage_gpu(training, stage->stage, 0);
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        const struct collective_flow *flow = &plan->flows[i];
        uint32_t to = player_gpu(player, player_exchange_peer(training, real_gpu, flow->edge));
        flows[i] =
            (struct side_flow){.from = stage,
                               .to = to,
                               .bytes = ceil(pieces * flow->bytes),
                               .limit = stage_flow_limit(stage, to, flow->limit_bytes_per_second),
                               .left = &left,
                               .done = &done};
    }
    if (left > 0) {
        signal_init(&done);
    }
    for (uint32_t i = 1; i < plan->flow_count; i++) {
        actor_start(player->engine, stage->gpu, run_side_flow, &flows[i], false);
    }
    actor_send(player->engine, stage->gpu, flows[0].to, flows[0].bytes, flows[0].limit, 1.0);
    if (left > 0) {
        signal_wait(&done, SIGNAL_WORK);
    }
    if (plan->flow_count > 1) {
        signal_destroy(&done);
    }
}

/* --- a stage's exchange --- */

uint32_t stage_part(const struct stage_player *stage, const struct cell *cell)
{
    const struct pipeline_play *play = stage->player->schedule;
    return pipeline_part(play->schedule, &play->pipeline, stage->stage, cell->chunk);
}

const struct part_cost *stage_cost(const struct stage_player *stage, const struct cell *cell)
{
    return &stage->player->schedule->parts[stage_part(stage, cell)];
}

/* Real pieces, the first or last of them apart. */
static double all_pieces(const struct player *player, const struct collective_plan *plan,
                         double seconds)
{
    double one = collective_seconds(player->play->training->replica.cluster, plan);
    return one > 0.0 ? seconds / one : 0.0;
}

static void gather(struct stage_player *stage, const struct part_cost *cost)
{
    const struct collective_plan *plan = &stage->player->play->costs->gather;
    double pieces = all_pieces(stage->player, plan, cost->gather_seconds);
    run_exchange(stage, plan, pieces * cost->gather_edge);
    stage->gathered_first++;
    signal_wake(&stage->signal, WAITS_FIRST);
    run_exchange(stage, plan, pieces - pieces * cost->gather_edge);
    stage->gathered++;
    signal_wake(&stage->signal, WAITS_ALL);
}

static void reduce(struct stage_player *stage, uint32_t cell, const struct part_cost *cost)
{
    const struct collective_plan *plan = &stage->player->play->costs->reduce;
    double pieces = all_pieces(stage->player, plan, cost->reduce_seconds);
    run_exchange(stage, plan, pieces - pieces * cost->reduce_edge);
    if (stage->ended <= cell) { /* the last piece is not made before the pass has ended */
        signal_wait(&stage->lane_signal, cell);
    }
    run_exchange(stage, plan, pieces * cost->reduce_edge);
}

void stage_run_exchange(void *data)
{
    struct stage_player *stage = data;
    for (;;) {
        struct request request = player_pop(&stage->exchange);
        if (request.kind == REQUEST_END) {
            break;
        }
        const struct part_cost *cost = stage_cost(stage, &stage->cells[request.cell]);
        if (request.kind == REQUEST_GATHER) {
            gather(stage, cost);
        } else {
            reduce(stage, request.cell, cost);
        }
        stage->times->exchange_seconds = engine_clock();
    }
}
