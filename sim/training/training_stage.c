/* SPDX-License-Identifier: MIT */
#include "sim/training/training_player.h"

/* --- what a stage sends --- */

static bool *arrival(struct stage_player *stage, bool forward, uint32_t chunk, uint32_t micro_batch)
{
    const struct pipeline *pipeline = &stage->player->schedule->pipeline;
    return &stage->arrived[((forward ? 0 : pipeline->chunks) + (size_t)chunk) *
                               pipeline->micro_batches +
                           micro_batch];
}

static uint32_t arrival_number(const struct stage_player *stage, bool forward, uint32_t chunk,
                               uint32_t micro_batch)
{
    const struct pipeline *pipeline = &stage->player->schedule->pipeline;
    return WAITS_CELLS + ((forward ? 0 : pipeline->chunks) + chunk) * pipeline->micro_batches +
           micro_batch;
}

/* The stage that takes a cell's result, the next or the one before; past the last stage it is the
 * first, or the same again where the parts lie in a V. */
static struct stage_player *receiver(const struct stage_player *stage, const struct cell *cell,
                                     bool forward, uint32_t *chunk)
{
    const struct pipeline_play *play = stage->player->schedule;
    uint32_t part = stage_part(stage, cell), next = forward ? part + 1 : part - 1;
    *chunk = next / play->pipeline.stages;
    return &stage->first[pipeline_part_stage(play->schedule, &play->pipeline, next)];
}

static void run_sends(struct stage_player *stage, bool forward)
{
    const struct collective_plan *plan = &stage->player->play->costs->send;
    for (;;) {
        struct request request = player_pop(&stage->sends[forward ? 0 : 1]);
        if (request.kind == REQUEST_END) {
            return;
        }
        const struct cell *cell = &stage->cells[request.cell];
        uint32_t chunk;
        struct stage_player *to = receiver(stage, cell, forward, &chunk);
        if (to != stage) {
            actor_sleep(plan->latency_seconds);
            for (uint32_t i = 0; i < plan->flow_count; i++) {
                double limit =
                    stage_flow_limit(stage, to->gpu, plan->flows[i].limit_bytes_per_second);
                actor_send(stage->player->engine, stage->gpu, to->gpu, plan->flows[i].bytes, limit,
                           1.0);
            }
        }
        *arrival(to, forward, chunk, cell->micro_batch) = true;
        signal_wake(&to->signal, arrival_number(to, forward, chunk, cell->micro_batch));
    }
}

void stage_run_forward_sends(void *data)
{
    run_sends(data, true);
}

void stage_run_backward_sends(void *data)
{
    run_sends(data, false);
}

/* --- a stage's passes --- */

static void wait_for_input(struct stage_player *stage, const struct cell *cell)
{
    const struct pipeline *pipeline = &stage->player->schedule->pipeline;
    uint32_t part = stage_part(stage, cell), parts = pipeline->stages * pipeline->chunks;
    bool forward = cell->kind == CELL_FORWARD;
    bool waits = forward ? part > 0 : cell->kind == CELL_BACKWARD && part + 1 < parts;
    if (waits && !*arrival(stage, forward, cell->chunk, cell->micro_batch)) {
        signal_wait(&stage->signal, arrival_number(stage, forward, cell->chunk, cell->micro_batch));
    }
}

static bool asks_gather(const struct stage_player *stage, uint32_t cell)
{
    return cell < stage->player->cell_count &&
           pipeline_gathers(stage->player->schedule, &stage->cells[cell]) &&
           stage_cost(stage, &stage->cells[cell])->gather_seconds > 0.0;
}

static void run_cell(struct stage_player *stage, uint32_t index)
{
    const struct pipeline_play *schedule = stage->player->schedule;
    const struct cell *cell = &stage->cells[index];
    const struct part_cost *cost = stage_cost(stage, cell);
    bool gathers = asks_gather(stage, index);
    bool reduces = pipeline_reduces(schedule, cell) && cost->reduce_seconds > 0.0;
    if (gathers && !schedule->overlap) {
        player_push(&stage->exchange, REQUEST_GATHER, index);
    }
    wait_for_input(stage, cell);
    uint32_t wanted = stage->gathers_wanted + (gathers ? 1 : 0);
    if (gathers && (schedule->overlap ? stage->gathered_first : stage->gathered) < wanted) {
        signal_wait(&stage->signal, schedule->overlap ? WAITS_FIRST : WAITS_ALL);
    }
    double seconds = pipeline_cell_seconds(schedule, cell, cost);
    double layer = pipeline_piece_seconds(cost, seconds);
    struct cell_span *span = &stage->spans[index];
    span->start_seconds = engine_clock();
    double slept = 0.0;
    if (reduces && schedule->overlap) {
        actor_sleep(layer);
        slept = layer;
        player_push(&stage->exchange, REQUEST_REDUCE, index);
    }
    if (seconds - layer > slept) {
        actor_sleep(seconds - layer - slept);
        slept = seconds - layer;
    }
    if (schedule->overlap && schedule->every_pass && asks_gather(stage, index + 1)) {
        player_push(&stage->exchange, REQUEST_GATHER, index + 1);
    }
    if (gathers && stage->gathered < wanted) {
        signal_wait(&stage->signal, WAITS_ALL);
    }
    if (seconds > slept) {
        actor_sleep(seconds - slept);
    }
    stage->gathers_wanted = wanted;
    span->end_seconds = engine_clock();
    stage->ended++;
    signal_wake(&stage->lane_signal, index);
    if (reduces && !schedule->overlap) {
        player_push(&stage->exchange, REQUEST_REDUCE, index);
    }
}

void stage_run_passes(void *data)
{
    struct stage_player *stage = data;
    struct player *player = stage->player;
    const struct pipeline_play *schedule = player->schedule;
    uint32_t parts = schedule->pipeline.stages * schedule->pipeline.chunks;
    for (uint32_t i = 0; i < player->cell_count && schedule->overlap; i++) {
        if (asks_gather(stage, i)) {
            player_push(&stage->exchange, REQUEST_GATHER, i);
            if (schedule->every_pass) {
                break; /* the others when their turn comes */
            }
        }
    }
    for (uint32_t i = 0; i < player->cell_count; i++) {
        const struct cell *cell = &stage->cells[i];
        run_cell(stage, i);
        uint32_t part = stage_part(stage, cell);
        if (cell->kind == CELL_FORWARD && part + 1 < parts) {
            player_push(&stage->sends[0], REQUEST_GATHER, i);
        } else if (cell->kind == CELL_BACKWARD && part > 0) {
            player_push(&stage->sends[1], REQUEST_GATHER, i);
        }
        const struct cell_span *span = &stage->spans[i];
        stage->times->busy_seconds += span->end_seconds - span->start_seconds;
    }
    stage->times->end_seconds = engine_clock();
    player_push(&stage->exchange, REQUEST_END, 0);
    player_push(&stage->sends[0], REQUEST_END, 0);
    player_push(&stage->sends[1], REQUEST_END, 0);
    player->left--;
}
