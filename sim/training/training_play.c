/* SPDX-License-Identifier: MIT */
#include "sim/training/training_play.h"

#include "models/numeric/whole.h"
#include "sim/training/training_player.h"

#include <math.h>

static void open_queue(struct queue *queue, struct arena *arena, uint32_t requests)
{
    *queue = (struct queue){.requests = ARENA_ARRAY(arena, struct request, requests)};
    signal_init(&queue->signal);
}

static void open_stage(struct player *player, struct stage_player *stage, uint32_t instance,
                       struct arena *arena)
{
    const struct pipeline *pipeline = &player->schedule->pipeline;
    uint32_t gpu = player_stage_gpu(player->play->training, stage->stage, instance);
    stage->player = player;
    stage->gpu = player_gpu(player, gpu);
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
        pipeline[i].first = pipeline;
        open_stage(player, &pipeline[i], instance, arena);
    }
    return pipeline;
}

static void start_pipeline(struct player *player, struct stage_player *pipeline)
{
    for (uint32_t i = 0; i < player->schedule->pipeline.stages; i++) {
        struct stage_player *stage = &pipeline[i];
        actor_start(player->engine, stage->gpu, stage_run_passes, stage, false);
        actor_start(player->engine, stage->gpu, stage_run_exchange, stage, false);
        actor_start(player->engine, stage->gpu, stage_run_forward_sends, stage, false);
        actor_start(player->engine, stage->gpu, stage_run_backward_sends, stage, false);
        player->left++;
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
    player_choose_nodes(&player, arena);
    uint32_t nodes =
        player.nodes != NULL ? player.node_count : (uint32_t)divide_up(layout_gpus(layout), gpus);
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
    for (uint32_t stage = 0; play->links != NULL && stage < stages; stage++) {
        struct stage_links *links = &play->links[stage];
        links->gpu = player_stage_gpu(play->training, stage, 0);
        for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
            uint32_t gpu = pipelines[0][stage].gpu;
            links->bytes[kind] = engine_link_bytes(player.engine, (enum link_kind)kind, gpu);
            links->busy_seconds[kind] =
                engine_link_busy_seconds(player.engine, (enum link_kind)kind, gpu);
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
