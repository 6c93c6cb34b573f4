/* SPDX-License-Identifier: MIT */
#include "sim/training/training_play.h"

#include "sim/engine/actor.h"

#include <math.h>

/* What an exchange is asked for. */
enum request_kind { REQUEST_GATHER, REQUEST_REDUCE, REQUEST_END };
struct request {
    enum request_kind kind;
    uint32_t cell;
};

enum { SIGNAL_WORK = 0 }; /* what a queue's actor waits for; stages wait for numbers of their own */

/* Requests in the order they came; never more than cells, so nothing wraps. */
struct queue {
    struct request *requests;
    uint32_t first, count;
    struct actor_signal signal;
};

struct player;

/* One rank that stands for a stage. */
struct stage_player {
    struct player *player;
    uint32_t stage, gpu;
    const struct cell *cells;
    struct cell_span *spans;
    struct stage_times *times;
    struct actor_signal signal;
    bool *arrived;           /* [kinds: forward, backward][chunks][micro_batches] */
    uint32_t gathered_first; /* cells whose first piece, and all of whose parameters, are there */
    uint32_t gathered;       /* counted in the order of their requests */
    uint32_t gathers_wanted;
    uint32_t ended;                  /* cells */
    struct actor_signal lane_signal; /* the exchange waits for a pass to end */
    struct queue exchange, sends[2]; /* forward, backward */
    struct stage_player *neighbours[2];
};

struct player {
    const struct training_play *play;
    const struct pipeline_play *schedule;
    struct engine *engine;
    struct cluster cluster;
    uint32_t cell_count, left;
    uint32_t *nodes; /* [node_count]: the cluster's nodes that are played, in order */
    uint32_t node_count;
};

/* --- where things are --- */

/* Folded, only nodes that hold a played GPU or one it sends to exist: a GPU's place in the made
 * platform. */
static uint32_t played_gpu(const struct player *player, uint32_t gpu)
{
    uint32_t in_node = player->cluster.gpus_per_node;
    if (player->nodes == NULL) {
        return gpu;
    }
    uint32_t node = gpu / in_node;
    for (uint32_t i = 0; i < player->node_count; i++) {
        if (player->nodes[i] == node) {
            return i * in_node + gpu % in_node;
        }
    }
    return gpu % in_node;
}

static void need_node(struct player *player, uint32_t gpu)
{
    uint32_t node = gpu / player->cluster.gpus_per_node;
    for (uint32_t i = 0; i < player->node_count; i++) {
        if (player->nodes[i] == node) {
            return;
        }
    }
    player->nodes[player->node_count++] = node;
}

/* GPU of the stage's rank `instance` of tensor x context x data. */
static uint32_t stage_gpu(const struct training *training, uint32_t stage, uint32_t instance)
{
    const struct layout *layout = training->replica.layout;
    uint32_t near = layout->tensor * layout->context;
    uint32_t data = instance / near, inside = instance % near;
    return training->pipeline_outside ? inside + near * (data + layout->data * stage)
                                      : inside + near * (stage + layout->pipeline * data);
}

/* Whom an exchange over that edge sends to. */
static uint32_t exchange_peer(const struct training *training, uint32_t gpu,
                              enum collective_edge edge)
{
    const struct layout *layout = training->replica.layout;
    uint32_t gpus = training->replica.cluster->gpus_per_node, all = layout_gpus(layout);
    uint32_t near = layout->tensor * layout->context;
    uint32_t stride = near * (training->pipeline_outside ? 1 : layout->pipeline);
    struct group_shape group = training_data_group(training);
    bool inside =
        edge == EDGE_NODE_NEXT || (edge == EDGE_RING_NEXT && group.ranks == group.ranks_per_node);
    if (inside) {
        return gpu / gpus * gpus + (gpu + layout->tensor) % gpus;
    }
    uint32_t step = stride > gpus ? stride : gpus;
    return (gpu + step) % all;
}

/* --- flows --- */

static double flow_limit(const struct player *player, const struct stage_player *from, uint32_t to,
                         double limit)
{
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
    uint32_t real_gpu = stage_gpu(training, stage->stage, 0);
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        const struct collective_flow *flow = &plan->flows[i];
        uint32_t to = played_gpu(player, exchange_peer(training, real_gpu, flow->edge));
        flows[i] =
            (struct side_flow){.from = stage,
                               .to = to,
                               .bytes = ceil(pieces * flow->bytes),
                               .limit = flow_limit(player, stage, to, flow->limit_bytes_per_second),
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

/* --- queues --- */

static void push(struct queue *queue, enum request_kind kind, uint32_t cell)
{
    queue->requests[queue->count++] = (struct request){.kind = kind, .cell = cell};
    signal_wake(&queue->signal, SIGNAL_WORK);
}

static struct request pop(struct queue *queue)
{
    if (queue->first == queue->count) {
        signal_wait(&queue->signal, SIGNAL_WORK);
    }
    return queue->requests[queue->first++];
}

/* --- a stage's exchange --- */

static uint32_t part_of(const struct stage_player *stage, const struct cell *cell)
{
    return cell->chunk * stage->player->schedule->pipeline.stages + stage->stage;
}

static const struct part_cost *cost_of(const struct stage_player *stage, const struct cell *cell)
{
    return &stage->player->schedule->parts[part_of(stage, cell)];
}

/* Real pieces, the first or last of them apart. */
static double all_pieces(const struct player *player, const struct collective_plan *plan,
                         double seconds)
{
    double one = collective_seconds(player->play->training->replica.cluster, plan);
    return one > 0.0 ? seconds / one : 0.0;
}

enum { WAITS_FIRST = 1, WAITS_ALL = 2 }; /* what a stage waits for, beside cells from 3 on */
enum { WAITS_CELLS = 3 };

static void gather(struct stage_player *stage, const struct part_cost *cost)
{
    const struct collective_plan *plan = &stage->player->play->costs->gather;
    double pieces = all_pieces(stage->player, plan, cost->gather_seconds);
    run_exchange(stage, plan, pieces / cost->pieces);
    stage->gathered_first++;
    signal_wake(&stage->signal, WAITS_FIRST);
    run_exchange(stage, plan, pieces - pieces / cost->pieces);
    stage->gathered++;
    signal_wake(&stage->signal, WAITS_ALL);
}

static void reduce(struct stage_player *stage, uint32_t cell, const struct part_cost *cost)
{
    const struct collective_plan *plan = &stage->player->play->costs->reduce;
    double pieces = all_pieces(stage->player, plan, cost->reduce_seconds);
    run_exchange(stage, plan, pieces - pieces / cost->pieces);
    if (stage->ended <= cell) { /* the last piece is not made before the pass has ended */
        signal_wait(&stage->lane_signal, cell);
    }
    run_exchange(stage, plan, pieces / cost->pieces);
}

static void run_lane(void *data)
{
    struct stage_player *stage = data;
    for (;;) {
        struct request request = pop(&stage->exchange);
        if (request.kind == REQUEST_END) {
            break;
        }
        const struct part_cost *cost = cost_of(stage, &stage->cells[request.cell]);
        if (request.kind == REQUEST_GATHER) {
            gather(stage, cost);
        } else {
            reduce(stage, request.cell, cost);
        }
        stage->times->exchange_seconds = engine_clock();
    }
}

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

/* The part that a cell's result goes to lies on the neighbour; past the last stage it is the next
 * chunk of the first. */
static void deliver(struct stage_player *stage, const struct cell *cell, bool forward)
{
    uint32_t stages = stage->player->schedule->pipeline.stages;
    uint32_t part = part_of(stage, cell);
    uint32_t chunk = (forward ? part + 1 : part - 1) / stages;
    struct stage_player *to = stage->neighbours[forward ? 0 : 1];
    *arrival(to, forward, chunk, cell->micro_batch) = true;
    signal_wake(&to->signal, arrival_number(to, forward, chunk, cell->micro_batch));
}

static void run_sends(struct stage_player *stage, bool forward)
{
    const struct collective_plan *plan = &stage->player->play->costs->send;
    const struct stage_player *to = stage->neighbours[forward ? 0 : 1];
    for (;;) {
        struct request request = pop(&stage->sends[forward ? 0 : 1]);
        if (request.kind == REQUEST_END) {
            return;
        }
        if (stage->player->schedule->pipeline.stages > 1) {
            actor_sleep(plan->latency_seconds);
            for (uint32_t i = 0; i < plan->flow_count; i++) {
                double limit = flow_limit(stage->player, stage, to->gpu,
                                          plan->flows[i].limit_bytes_per_second);
                actor_send(stage->player->engine, stage->gpu, to->gpu, plan->flows[i].bytes, limit,
                           1.0);
            }
        }
        deliver(stage, &stage->cells[request.cell], forward);
    }
}

static void run_forward_sends(void *data)
{
    run_sends(data, true);
}

static void run_backward_sends(void *data)
{
    run_sends(data, false);
}

/* --- a stage's passes --- */

static void wait_for_input(struct stage_player *stage, const struct cell *cell)
{
    const struct pipeline *pipeline = &stage->player->schedule->pipeline;
    uint32_t part = part_of(stage, cell), parts = pipeline->stages * pipeline->chunks;
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
           cost_of(stage, &stage->cells[cell])->gather_seconds > 0.0;
}

static void run_cell(struct stage_player *stage, uint32_t index)
{
    const struct pipeline_play *schedule = stage->player->schedule;
    const struct cell *cell = &stage->cells[index];
    const struct part_cost *cost = cost_of(stage, cell);
    bool gathers = asks_gather(stage, index);
    bool reduces = pipeline_reduces(schedule, cell) && cost->reduce_seconds > 0.0;
    if (gathers && !schedule->overlap) {
        push(&stage->exchange, REQUEST_GATHER, index);
    }
    wait_for_input(stage, cell);
    uint32_t wanted = stage->gathers_wanted + (gathers ? 1 : 0);
    if (gathers && (schedule->overlap ? stage->gathered_first : stage->gathered) < wanted) {
        signal_wait(&stage->signal, schedule->overlap ? WAITS_FIRST : WAITS_ALL);
    }
    double seconds = pipeline_cell_seconds(schedule, cell, cost);
    double layer = seconds / cost->layers;
    struct cell_span *span = &stage->spans[index];
    span->start_seconds = engine_clock();
    double slept = 0.0;
    if (reduces && schedule->overlap) {
        actor_sleep(layer);
        slept = layer;
        push(&stage->exchange, REQUEST_REDUCE, index);
    }
    if (seconds - layer > slept) {
        actor_sleep(seconds - layer - slept);
        slept = seconds - layer;
    }
    if (schedule->overlap && schedule->every_pass && asks_gather(stage, index + 1)) {
        push(&stage->exchange, REQUEST_GATHER, index + 1);
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
        push(&stage->exchange, REQUEST_REDUCE, index);
    }
}

static void run_stage(void *data)
{
    struct stage_player *stage = data;
    struct player *player = stage->player;
    const struct pipeline_play *schedule = player->schedule;
    uint32_t parts = schedule->pipeline.stages * schedule->pipeline.chunks;
    for (uint32_t i = 0; i < player->cell_count && schedule->overlap; i++) {
        if (asks_gather(stage, i)) {
            push(&stage->exchange, REQUEST_GATHER, i);
            if (schedule->every_pass) {
                break; /* the others when their turn comes */
            }
        }
    }
    for (uint32_t i = 0; i < player->cell_count; i++) {
        const struct cell *cell = &stage->cells[i];
        run_cell(stage, i);
        uint32_t part = part_of(stage, cell);
        if (cell->kind == CELL_FORWARD && part + 1 < parts) {
            push(&stage->sends[0], REQUEST_GATHER, i);
        } else if (cell->kind == CELL_BACKWARD && part > 0) {
            push(&stage->sends[1], REQUEST_GATHER, i);
        }
        const struct cell_span *span = &stage->spans[i];
        stage->times->busy_seconds += span->end_seconds - span->start_seconds;
    }
    stage->times->end_seconds = engine_clock();
    push(&stage->exchange, REQUEST_END, 0);
    push(&stage->sends[0], REQUEST_END, 0);
    push(&stage->sends[1], REQUEST_END, 0);
    player->left--;
}

/* --- the whole --- */

static void open_queue(struct queue *queue, struct arena *arena, uint32_t requests)
{
    *queue = (struct queue){.requests = ARENA_ARRAY(arena, struct request, requests)};
    signal_init(&queue->signal);
}

static void open_stage(struct player *player, struct stage_player *stage, uint32_t instance,
                       struct arena *arena)
{
    const struct pipeline *pipeline = &player->schedule->pipeline;
    uint32_t gpu = stage_gpu(player->play->training, stage->stage, instance);
    stage->player = player;
    stage->gpu = played_gpu(player, gpu);
    stage->arrived =
        ARENA_ARRAY(arena, bool, (size_t)2 * pipeline->chunks * pipeline->micro_batches);
    *stage->times = (struct stage_times){0};
    signal_init(&stage->signal);
    signal_init(&stage->lane_signal);
    open_queue(&stage->exchange, arena, 2 * player->cell_count + 1);
    open_queue(&stage->sends[0], arena, player->cell_count + 1);
    open_queue(&stage->sends[1], arena, player->cell_count + 1);
}

static void close_stage(struct stage_player *stage)
{
    signal_destroy(&stage->signal);
    signal_destroy(&stage->lane_signal);
    signal_destroy(&stage->exchange.signal);
    signal_destroy(&stage->sends[0].signal);
    signal_destroy(&stage->sends[1].signal);
}

/* The stages of one pipeline; the first keeps what the scratch has room for. */
static struct stage_player *open_pipeline(struct player *player,
                                          const struct training_scratch *scratch, uint32_t instance,
                                          struct arena *arena)
{
    uint32_t stages = player->schedule->pipeline.stages, cells = player->cell_count;
    struct stage_player *pipeline = ARENA_ARRAY(arena, struct stage_player, stages);
    for (uint32_t i = 0; i < stages; i++) {
        pipeline[i].stage = i;
        pipeline[i].cells = scratch->pipeline.cells + (size_t)i * cells;
        bool first = instance == 0;
        pipeline[i].spans = first ? scratch->pipeline.spans + (size_t)i * cells
                                  : ARENA_ARRAY(arena, struct cell_span, cells);
        pipeline[i].times = first ? &scratch->stages[i] : ARENA_NEW(arena, struct stage_times);
        pipeline[i].neighbours[0] = &pipeline[(i + 1) % stages];
        pipeline[i].neighbours[1] = &pipeline[(i + stages - 1) % stages];
        open_stage(player, &pipeline[i], instance, arena);
    }
    return pipeline;
}

static void start_pipeline(struct player *player, struct stage_player *pipeline)
{
    for (uint32_t i = 0; i < player->schedule->pipeline.stages; i++) {
        struct stage_player *stage = &pipeline[i];
        actor_start(player->engine, stage->gpu, run_stage, stage, false);
        actor_start(player->engine, stage->gpu, run_lane, stage, false);
        actor_start(player->engine, stage->gpu, run_forward_sends, stage, false);
        actor_start(player->engine, stage->gpu, run_backward_sends, stage, false);
        player->left++;
    }
}

/* Folded, on a network without shared switches, only the nodes of played GPUs and their peers. */
static void choose_nodes(struct player *player, struct arena *arena)
{
    const struct training *training = player->play->training;
    uint32_t stages = player->schedule->pipeline.stages;
    if (!player->play->folded || player->cluster.nodes_per_leaf > 0 ||
        player->play->platform_xml != NULL) {
        return;
    }
    player->nodes = ARENA_ARRAY(arena, uint32_t, 2 * (size_t)stages);
    for (uint32_t stage = 0; stage < stages; stage++) {
        uint32_t gpu = stage_gpu(training, stage, 0);
        need_node(player, gpu);
        need_node(player, exchange_peer(training, gpu, EDGE_FABRIC_NEXT));
    }
}

bool training_play(const struct training_play *play, const struct training_scratch *scratch,
                   struct arena *arena, double *seconds, uint64_t *events,
                   struct diagnostics *diagnostics)
{
    const struct layout *layout = play->training->replica.layout;
    struct player player = {
        .play = play, .schedule = &play->costs->play, .cluster = *play->training->replica.cluster};
    uint32_t gpus = player.cluster.gpus_per_node, stages = player.schedule->pipeline.stages;
    player.cell_count = pipeline_cell_count(player.schedule->schedule, &player.schedule->pipeline);
    choose_nodes(&player, arena);
    uint32_t nodes =
        player.nodes != NULL ? player.node_count : (layout_gpus(layout) + gpus - 1) / gpus;
    player.engine = engine_open(&player.cluster, nodes, play->platform_xml, diagnostics);
    if (player.engine == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < stages; i++) {
        player.schedule->schedule->fill(&player.schedule->pipeline, i,
                                        scratch->pipeline.cells + (size_t)i * player.cell_count);
    }
    uint32_t instances = play->folded ? 1 : layout->tensor * layout->context * layout->data;
    struct stage_player **pipelines = ARENA_ARRAY(arena, struct stage_player *, instances);
    for (uint32_t i = 0; i < instances; i++) {
        pipelines[i] = open_pipeline(&player, scratch, i, arena);
        start_pipeline(&player, pipelines[i]);
    }
    engine_run(player.engine);
    *seconds = 0.0;
    for (uint32_t i = 0; i < instances; i++) {
        for (uint32_t stage = 0; stage < stages; stage++) {
            const struct stage_times *times = pipelines[i][stage].times;
            *seconds = fmax(*seconds, fmax(times->end_seconds, times->exchange_seconds));
            close_stage(&pipelines[i][stage]);
        }
    }
    *events = engine_event_count(player.engine);
    engine_close(player.engine);
    if (player.left > 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){0}),
                       "the step stopped with %u stages waiting for each other", player.left);
        return false;
    }
    return true;
}
