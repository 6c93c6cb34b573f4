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
    double share = player->play->degraded_link;
    if (from->stage > 0 || share >= 1.0 || placement_in_node(&player->placement, from->gpu, to)) {
        return limit;
    }
    double kept = share * player->play->training->replica.cluster->nic_bytes_per_second;
    return limit > 0.0 ? fmin(limit, kept) : kept;
}

/* `pieces` collectives of the plan, one after the other, as one. */
void stage_play_plan(struct stage_player *stage, struct group_member *member,
                     const struct collective_plan *plan, double pieces)
{
    if (pieces <= 0.0 || plan->flow_count == 0) {
        return;
    }
    struct collective_plan all = *plan;
    all.latency_seconds = pieces * plan->latency_seconds;
    for (uint32_t i = 0; i < all.flow_count; i++) {
        struct collective_flow *flow = &all.flows[i];
        uint32_t to = placement_edge_gpu(&stage->player->placement, stage->gpu, member->group->kind,
                                         plan->group, flow->edge);
        flow->bytes = ceil(pieces * flow->bytes);
        flow->limit_bytes_per_second = stage_flow_limit(stage, to, flow->limit_bytes_per_second);
    }
    group_begin(member, false);
    group_play(member, &all, 0.0, 1.0);
    group_end(member, false);
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

/* Both exchanges of a part, of which it wants a share. */
struct both {
    const struct collective_plan *plan, *expert_plan;
    double pieces, expert_pieces;
};

static void run_edge(struct stage_player *stage, const struct both *both, double edge)
{
    stage_play_plan(stage, &stage->replicas, both->plan, both->pieces * edge);
    stage_play_plan(stage, &stage->experts, both->expert_plan, both->expert_pieces * edge);
}

static void run_rest(struct stage_player *stage, const struct both *both, double edge)
{
    stage_play_plan(stage, &stage->replicas, both->plan, both->pieces - both->pieces * edge);
    stage_play_plan(stage, &stage->experts, both->expert_plan,
                    both->expert_pieces - both->expert_pieces * edge);
}

static struct both both_of(const struct stage_player *stage, const struct collective_plan *plan,
                           const struct collective_plan *expert_plan, double seconds,
                           double expert_seconds)
{
    return (struct both){
        .plan = plan,
        .expert_plan = expert_plan,
        .pieces = all_pieces(stage->player, plan, seconds - expert_seconds),
        .expert_pieces = all_pieces(stage->player, expert_plan, expert_seconds),
    };
}

static void gather(struct stage_player *stage, const struct part_cost *cost)
{
    const struct training_costs *costs = stage->player->play->costs;
    struct both both = both_of(stage, &costs->gather, &costs->expert_gather, cost->gather_seconds,
                               cost->expert_gather_seconds);
    run_edge(stage, &both, cost->gather_edge);
    stage->gathered_first++;
    signal_wake(&stage->signal, WAITS_FIRST);
    run_rest(stage, &both, cost->gather_edge);
    stage->gathered++;
    signal_wake(&stage->signal, WAITS_ALL);
}

static void reduce(struct stage_player *stage, uint32_t cell, const struct part_cost *cost)
{
    const struct training_costs *costs = stage->player->play->costs;
    struct both both = both_of(stage, &costs->reduce, &costs->expert_reduce, cost->reduce_seconds,
                               cost->expert_reduce_seconds);
    run_rest(stage, &both, cost->reduce_edge);
    if (stage->ended <= cell) { /* the last piece is not made before the pass has ended */
        signal_wait(&stage->lane_signal, cell);
    }
    run_edge(stage, &both, cost->reduce_edge);
}

void stage_run_exchange(void *data)
{
    struct stage_player *stage = data;
    for (;;) {
        struct request request = player_pop(&stage->exchange);
        if (request.kind == REQUEST_END) {
            plan_player_stop(&stage->plans);
            return;
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
