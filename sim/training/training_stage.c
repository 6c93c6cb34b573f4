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

/* Hands a cell's result to the stage that takes it. */
static void deliver(struct stage_player *to, const struct cell *cell, uint32_t part)
{
    bool forward = cell->kind == CELL_FORWARD;
    uint32_t chunk = part / to->player->schedule->pipeline.stages;
    *arrival(to, forward, chunk, cell->micro_batch) = true;
    signal_wake(&to->signal, arrival_number(to, forward, chunk, cell->micro_batch));
}

static struct stage_player *holder(const struct stage_player *stage, uint32_t part)
{
    const struct pipeline_play *play = stage->player->schedule;
    return &stage->first[pipeline_part_stage(play->schedule, &play->pipeline, part)];
}

/* A cell's result travels to the stage that takes it. */
static void send(struct stage_player *stage, uint32_t index)
{
    const struct player *player = stage->player;
    const struct cell *cell = &stage->cells[index];
    uint32_t part = pipeline_next_part(player->schedule, cell, stage_part(stage, cell));
    struct stage_player *to = holder(stage, part);
    const struct collective_plan *plan =
        &player->play->costs->send[placement_in_node(&player->placement, stage->gpu, to->gpu)];
    actor_sleep(plan->latency_seconds);
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        double limit = stage_flow_limit(stage, to->gpu, plan->flows[i].limit_bytes_per_second);
        actor_send_lane(player->engine, player->send_lane, stage->gpu, to->gpu,
                        plan->flows[i].bytes, limit, 1.0);
    }
    deliver(to, cell, part);
}

static void run_sends(struct stage_player *stage, struct queue *queue)
{
    for (;;) {
        struct request request = player_pop(queue);
        if (request.kind == REQUEST_END) {
            return;
        }
        send(stage, request.cell);
    }
}

/* What the next message waits for: its cell has ended, its receiver is ready, it is there. */
enum message_wait { MESSAGE_CELL, MESSAGE_RECEIVER, MESSAGE_THERE };

/* One message after the other, as listed, each when both ends have come to it. */
void stage_run_messages(void *data)
{
    struct stage_player *stage = data;
    const struct player *player = stage->player;
    for (uint32_t i = 0; i < player->message_count; i++) {
        const struct pipeline_message *message = &player->messages[i];
        struct stage_player *from = &stage->first[message->from], *to = &stage->first[message->to];
        if (from == stage) {
            while (stage->ended <= message->cell) {
                signal_wait(&stage->message_signal, MESSAGE_CELL);
            }
            while (to->receives != i) {
                signal_wait(&stage->message_signal, MESSAGE_RECEIVER);
            }
            send(stage, message->cell);
            to->received = i + 1;
            signal_wake(&to->message_signal, MESSAGE_THERE);
        } else if (to == stage) {
            stage->receives = i;
            signal_wake(&from->message_signal, MESSAGE_RECEIVER);
            while (stage->received <= i) {
                signal_wait(&stage->message_signal, MESSAGE_THERE);
            }
        }
    }
}

/* A part's result goes on its way, or is where it is needed. */
static void hand_on(struct stage_player *stage, uint32_t index)
{
    const struct cell *cell = &stage->cells[index];
    uint32_t part = pipeline_next_part(stage->player->schedule, cell, stage_part(stage, cell));
    if (part == UINT32_MAX) {
        return;
    }
    struct stage_player *to = holder(stage, part);
    if (to == stage) {
        deliver(to, cell, part);
    } else if (stage->player->messages != NULL) {
        signal_wake(&stage->message_signal, MESSAGE_CELL);
    } else {
        player_push(&stage->sends[cell->kind == CELL_FORWARD ? 0 : 1], REQUEST_SEND, index);
    }
}

void stage_run_forward_sends(void *data)
{
    struct stage_player *stage = data;
    run_sends(stage, &stage->sends[0]);
}

void stage_run_backward_sends(void *data)
{
    struct stage_player *stage = data;
    run_sends(stage, &stage->sends[1]);
}

/* --- a stage's passes --- */

static void wait_for_input(struct stage_player *stage, const struct cell *cell)
{
    bool forward = cell->kind == CELL_FORWARD;
    if (pipeline_waits(stage->player->schedule, cell, stage_part(stage, cell)) &&
        !*arrival(stage, forward, cell->chunk, cell->micro_batch)) {
        signal_wait(&stage->signal, arrival_number(stage, forward, cell->chunk, cell->micro_batch));
    }
}

struct cell_run stage_run_of(const struct stage_player *stage, uint32_t cell)
{
    if (cell >= stage->player->cell_count) {
        return (struct cell_run){0};
    }
    return pipeline_cell_run(stage->player->schedule, &stage->cells[cell],
                             stage_cost(stage, &stage->cells[cell]));
}

static void run_cell(struct stage_player *stage, uint32_t index)
{
    const struct pipeline_play *schedule = stage->player->schedule;
    struct cell_run run = stage_run_of(stage, index), next = stage_run_of(stage, index + 1);
    if (run.gathers && !run.asks_early) {
        player_push(&stage->exchange, REQUEST_GATHER, index);
    }
    wait_for_input(stage, &stage->cells[index]);
    uint32_t wanted = stage->gathers_wanted + (run.gathers ? 1 : 0);
    bool first = run.first_share < 1.0;
    if (run.gathers && (first ? stage->gathered_first : stage->gathered) < wanted) {
        signal_wait(&stage->signal, first ? WAITS_FIRST : WAITS_ALL);
    }
    struct cell_span *span = &stage->spans[index];
    span->start_seconds = engine_clock();
    struct pass_player pass = pass_open(stage, index, run.seconds);
    double whole = run.seconds - run.whole_seconds;
    bool reduces = run.reduces && run.reduce_after < run.seconds;
    if (reduces && run.reduce_after <= whole) {
        pass_to(&pass, run.reduce_after);
        player_push(&stage->exchange, REQUEST_REDUCE, index);
        reduces = false;
    }
    pass_to(&pass, whole);
    bool asks = next.gathers && next.asks_early && schedule->every_pass;
    if (asks && !run.reduces) {
        player_push(&stage->exchange, REQUEST_GATHER, index + 1);
    }
    if (run.gathers && stage->gathered < wanted) {
        signal_wait(&stage->signal, WAITS_ALL);
    }
    if (reduces) {
        pass_to(&pass, run.reduce_after);
        player_push(&stage->exchange, REQUEST_REDUCE, index);
    }
    pass_close(&pass);
    stage->gathers_wanted = wanted;
    span->end_seconds = engine_clock();
    stage->ended++;
    stage->player->passes_ended++;
    if (stage->player->play->progress != NULL) {
        progress_update(stage->player->play->progress,
                        (double)stage->player->passes_ended / (double)stage->player->passes,
                        "passes");
    }
    signal_wake(&stage->lane_signal, index);
    if (run.reduces && run.reduce_after >= run.seconds) {
        player_push(&stage->exchange, REQUEST_REDUCE, index);
    }
    if (asks && run.reduces) { /* after what it waits for in any case */
        player_push(&stage->exchange, REQUEST_GATHER, index + 1);
    }
}

/* What is asked for before the first pass: all that is gathered once a step, or the first. */
static void ask_first(struct stage_player *stage)
{
    for (uint32_t i = 0; i < stage->player->cell_count; i++) {
        struct cell_run run = stage_run_of(stage, i);
        if (run.gathers && run.asks_early) {
            player_push(&stage->exchange, REQUEST_GATHER, i);
            if (stage->player->schedule->every_pass) {
                return; /* the others when their turn comes */
            }
        }
    }
}

void stage_run_passes(void *data)
{
    struct stage_player *stage = data;
    struct player *player = stage->player;
    ask_first(stage);
    for (uint32_t i = 0; i < player->cell_count; i++) {
        run_cell(stage, i);
        hand_on(stage, i);
        const struct cell_span *span = &stage->spans[i];
        stage->times->busy_seconds += span->end_seconds - span->start_seconds;
    }
    stage->times->end_seconds = engine_clock();
    stage->tokens.stop = true;
    signal_wake(&stage->tokens.signal, SIGNAL_WORK);
    player_push(&stage->exchange, REQUEST_END, 0);
    player_push(&stage->sends[0], REQUEST_END, 0);
    player_push(&stage->sends[1], REQUEST_END, 0);
    player->left--;
}
