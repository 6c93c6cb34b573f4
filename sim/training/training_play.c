/* SPDX-License-Identifier: MIT */
#include "sim/training/training_play.h"

#include "sim/engine/background.h"
#include "sim/engine/made_nodes.h"
#include "sim/training/training_player.h"

#include <math.h>

/* --- one stage --- */

static void open_queue(struct queue *queue, struct arena *arena, uint32_t requests)
{
    *queue = (struct queue){.requests = ARENA_ARRAY(arena, struct request, requests)};
    signal_init(&queue->signal);
}

static uint32_t most_flows(const struct training_costs *costs)
{
    const uint32_t counts[] = {costs->gather.flow_count, costs->reduce.flow_count,
                               costs->expert_gather.flow_count, costs->expert_reduce.flow_count};
    uint32_t most = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        most = counts[i] > most ? counts[i] : most;
    }
    return most;
}

static void open_tokens(struct player *player, struct expert_queue *tokens, uint32_t gpu,
                        const struct rank_role *role, struct arena *arena)
{
    signal_init(&tokens->signal);
    tokens->capacity = 2 * player->most_exchanges;
    tokens->plans =
        ARENA_ARRAY(arena, const struct collective_plan *, (size_t)tokens->capacity + 1);
    plan_player_open(&tokens->player, player->engine, &player->placement, gpu, &tokens->signal,
                     player->exchange_flows, arena);
    if (player->most_exchanges == 0) {
        return;
    }
    group_join(player->token_groups, &tokens->member, &tokens->player, role, arena);
    uint32_t parts = player->schedule->pipeline.stages * player->schedule->pipeline.chunks;
    for (uint32_t i = 0; i < parts * CELL_KIND_COUNT; i++) {
        for (uint32_t j = 0; j < player->exchanges[i].count; j++) {
            group_member_expect(&tokens->member, player->exchanges[i].list[j].plan);
        }
    }
}

static void open_stage(struct player *player, struct stage_player *stage, uint32_t instance,
                       struct arena *arena)
{
    const struct pipeline *pipeline = &player->schedule->pipeline;
    const struct training_costs *costs = player->play->costs;
    struct rank_role role = placement_role(
        &player->placement, placement_stage_rank(&player->placement, stage->stage, instance));
    stage->player = player;
    stage->gpu = role.gpu;
    stage->arrived =
        ARENA_ARRAY(arena, bool, (size_t)2 * pipeline->chunks * pipeline->micro_batches);
    *stage->times = (struct stage_times){0};
    signal_init(&stage->signal);
    signal_init(&stage->lane_signal);
    signal_init(&stage->plan_signal);
    signal_init(&stage->message_signal);
    stage->receives = UINT32_MAX;
    open_queue(&stage->exchange, arena, 2 * player->cell_count + 1);
    open_queue(&stage->sends[0], arena, player->cell_count + 1);
    open_queue(&stage->sends[1], arena, player->cell_count + 1);
    plan_player_open(&stage->plans, player->engine, &player->placement, stage->gpu,
                     &stage->plan_signal, most_flows(costs), arena);
    group_join(player->groups, &stage->replicas, &stage->plans, &role, arena);
    group_member_expect(&stage->replicas, &costs->gather);
    group_member_expect(&stage->replicas, &costs->reduce);
    group_join(player->expert_groups, &stage->experts, &stage->plans, &role, arena);
    group_member_expect(&stage->experts, &costs->expert_gather);
    group_member_expect(&stage->experts, &costs->expert_reduce);
    stage->plans.lane = player->replica_lane;
    open_tokens(player, &stage->tokens, stage->gpu, &role, arena);
}

static void close_stage(struct stage_player *stage)
{
    signal_destroy(&stage->signal);
    signal_destroy(&stage->lane_signal);
    signal_destroy(&stage->plan_signal);
    signal_destroy(&stage->message_signal);
    signal_destroy(&stage->exchange.signal);
    signal_destroy(&stage->sends[0].signal);
    signal_destroy(&stage->sends[1].signal);
    signal_destroy(&stage->tokens.signal);
    plan_player_close(&stage->plans);
    plan_player_close(&stage->tokens.player);
}

/* --- a pipeline --- */

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
        if (player->most_exchanges > 0) {
            actor_start(player->engine, stage->gpu, stage_run_tokens, stage, false);
            plan_player_start(&stage->tokens.player);
        }
        if (player->messages != NULL) {
            actor_start(player->engine, stage->gpu, stage_run_messages, stage, false);
        } else {
            actor_start(player->engine, stage->gpu, stage_run_forward_sends, stage, false);
            actor_start(player->engine, stage->gpu, stage_run_backward_sends, stage, false);
        }
        plan_player_start(&stage->plans);
        player->left++;
    }
}

/* --- who is played --- */

/* Pipelines by number, those to be played first. */
struct pipelines {
    uint32_t *numbers, count;
    bool *played; /* [all] */
};

static void add_pipeline(struct pipelines *pipelines, uint32_t number)
{
    if (!pipelines->played[number]) {
        pipelines->played[number] = true;
        pipelines->numbers[pipelines->count++] = number;
    }
}

/* Folded, the first pipeline stands for all, and with it are played those that share a network card
 * with one that is played. Where ranks do not lie alike none stands for another. */
static struct pipelines choose_pipelines(const struct player *player, bool folded,
                                         struct arena *arena)
{
    const struct placement *placement = &player->placement;
    uint32_t all = placement_stage_ranks(placement), per_card = placement->gpus_per_nic;
    struct pipelines pipelines = {.numbers = ARENA_ARRAY(arena, uint32_t, all),
                                  .played = ARENA_ARRAY(arena, bool, all)};
    if (!folded) {
        for (uint32_t i = 0; i < all; i++) {
            add_pipeline(&pipelines, i);
        }
        return pipelines;
    }
    add_pipeline(&pipelines, 0);
    for (uint32_t i = 0; i < pipelines.count; i++) {
        for (uint32_t stage = 0; stage < player->schedule->pipeline.stages; stage++) {
            uint32_t gpu = placement_stage_rank(placement, stage, pipelines.numbers[i]);
            uint32_t first = gpu / per_card * per_card;
            for (uint32_t mate = first; mate < first + per_card && mate < placement->ranks;
                 mate++) {
                add_pipeline(&pipelines, placement_stage_instance(placement, mate));
            }
        }
    }
    return pipelines;
}

/* --- the machine --- */

static void need_peers(const struct collective_plan *plan, enum group group, uint32_t gpu,
                       struct made_nodes *made)
{
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        made_nodes_add_peer(made, gpu, group, plan->group, plan->flows[i].edge);
    }
}

static void need_tokens_peers(const struct player *player, uint32_t gpu, struct made_nodes *made)
{
    uint32_t parts = player->schedule->pipeline.stages * player->schedule->pipeline.chunks;
    for (uint32_t i = 0; i < parts * CELL_KIND_COUNT; i++) {
        for (uint32_t j = 0; j < player->exchanges[i].count; j++) {
            need_peers(player->exchanges[i].list[j].plan, GROUP_EXPERT, gpu, made);
        }
    }
}

/* Folded, on a network without shared switches, only the nodes of played GPUs and of those they
 * send to are made. */
static struct made_nodes needed_nodes(const struct player *player,
                                      const struct pipelines *pipelines, struct arena *arena)
{
    const struct training_costs *costs = player->play->costs;
    struct made_nodes made = made_nodes_none(&player->placement, arena);
    for (uint32_t i = 0; i < pipelines->count; i++) {
        for (uint32_t stage = 0; stage < player->schedule->pipeline.stages; stage++) {
            uint32_t gpu = placement_stage_rank(&player->placement, stage, pipelines->numbers[i]);
            made_nodes_add(&made, gpu);
            need_peers(&costs->gather, GROUP_DATA, gpu, &made);
            need_peers(&costs->reduce, GROUP_DATA, gpu, &made);
            need_peers(&costs->expert_gather, GROUP_EXPERT_DATA, gpu, &made);
            need_peers(&costs->expert_reduce, GROUP_EXPERT_DATA, gpu, &made);
            need_tokens_peers(player, gpu, &made);
        }
    }
    return made;
}

/* Of the sites only those that the first one sends to. */
static void add_sites(const struct player *player, const struct made_nodes *made,
                      struct engine_setup *setup, struct arena *arena)
{
    uint32_t *nodes = ARENA_ARRAY(arena, uint32_t, made->count + player->sites.count);
    for (uint32_t i = 0; i < made->count; i++) {
        nodes[i] = made->nodes[i];
    }
    uint32_t count = site_nodes_needed(player->play->training, player->play->outer, true,
                                       nodes + made->count, arena);
    for (uint32_t i = 0; i < count; i++) {
        nodes[made->count + i] += player->sites.first_node;
    }
    setup->made = nodes;
    setup->made_count = made->count + count;
}

static struct engine *open_machine(struct player *player, bool folded,
                                   const struct pipelines *pipelines, struct arena *arena,
                                   struct diagnostics *diagnostics)
{
    const struct training_play *play = player->play;
    const struct cluster *cluster = play->training->replica.cluster;
    bool others = play->background_count > 0;
    /* What goes to other stages and to replicas has limits of its own where both leave a GPU. */
    bool replicas = most_flows(play->costs) > 0, tokens = player->most_exchanges > 0;
    bool stages = player->schedule->pipeline.stages > 1;
    player->send_lane = stages && (replicas || tokens) ? LANE_STAGES : LANE_COLLECTIVES;
    player->replica_lane = replicas && tokens ? LANE_REPLICAS : LANE_COLLECTIVES;
    uint32_t lanes = 1 + (uint32_t)(player->replica_lane > player->send_lane ? player->replica_lane
                                                                             : player->send_lane);
    uint32_t nodes = others ? cluster->nodes : placement_nodes(&player->placement);
    bool sites = player->sites.count > 0;
    if (sites) {
        site_nodes_fill(&player->sites, play->training, nodes);
    }
    struct engine_setup setup = {
        .cluster = cluster,
        .kinds = sites ? player->sites.kinds : NULL,
        .kind_count = sites ? 2 : 0,
        .nodes = nodes + player->sites.count,
        .lanes = others ? LANE_OTHERS + 1 : lanes,
        .platform_xml = play->platform_xml,
    };
    if (folded && cluster->nodes_per_leaf == 0 && play->platform_xml == NULL) {
        struct made_nodes made = needed_nodes(player, pipelines, arena);
        setup.made = made.nodes;
        setup.made_count = made.count;
        if (sites) {
            add_sites(player, &made, &setup, arena);
        }
    }
    return engine_open(&setup, diagnostics);
}

static void sum_links(const struct player *player, const struct stage_player *pipeline)
{
    const struct training_play *play = player->play;
    for (uint32_t stage = 0; play->links != NULL && stage < player->schedule->pipeline.stages;
         stage++) {
        struct stage_links *links = &play->links[stage];
        uint32_t gpu = links->gpu = pipeline[stage].gpu;
        for (int i = 0; i < LINK_KIND_COUNT; i++) {
            enum link_kind kind = (enum link_kind)i;
            links->bytes[i] = engine_link_bytes(player->engine, kind, gpu) +
                              engine_others_bytes(player->engine, kind, gpu);
            links->busy_seconds[i] = fmin(engine_link_busy_seconds(player->engine, kind, gpu) +
                                              engine_others_busy_seconds(player->engine, kind, gpu),
                                          engine_clock());
        }
    }
}

/* The order of messages, and how many they are, from the closed form. */
static void find_messages(struct player *player, const struct training_scratch *scratch,
                          struct arena *arena)
{
    const struct pipeline_play *schedule = player->schedule;
    uint32_t stages = schedule->pipeline.stages;
    if (!schedule->in_order || stages == 1) {
        return;
    }
    struct pipeline_scratch room = scratch->pipeline;
    struct stage_times *times = ARENA_ARRAY(arena, struct stage_times, stages);
    room.messages = ARENA_ARRAY(arena, struct pipeline_message, pipeline_scratch_cells(schedule));
    pipeline_play(schedule, &room, times);
    player->messages = room.messages;
    while (player->message_count < pipeline_scratch_cells(schedule) &&
           room.messages[player->message_count].from != room.messages[player->message_count].to) {
        player->message_count++;
    }
}

/* What passes send to experts. */
static void find_exchanges(struct player *player, const struct training_scratch *scratch,
                           struct arena *arena)
{
    const struct training_play *play = player->play;
    uint32_t parts = player->schedule->pipeline.stages * player->schedule->pipeline.chunks;
    player->exchanges = expert_exchanges_create(play->training, play->costs, scratch, arena);
    for (uint32_t i = 0; i < parts * CELL_KIND_COUNT; i++) {
        const struct expert_exchanges *exchanges = &player->exchanges[i];
        player->most_exchanges =
            exchanges->count > player->most_exchanges ? exchanges->count : player->most_exchanges;
        for (uint32_t j = 0; j < exchanges->count; j++) {
            uint32_t flows = exchanges->list[j].plan->flow_count;
            player->exchange_flows =
                flows > player->exchange_flows ? flows : player->exchange_flows;
        }
    }
    player->token_groups = group_players_create(&player->placement, GROUP_EXPERT, arena);
}

bool training_play(const struct training_play *play, const struct training_scratch *scratch,
                   struct arena *arena, double *seconds, uint64_t *events,
                   struct diagnostics *diagnostics)
{
    struct player player = {.play = play,
                            .schedule = &play->costs->play,
                            .placement = training_placement(play->training)};
    /* Others' traffic need not treat ranks alike, so all are played beside it. */
    bool folded =
        play->folded && play->background_count == 0 && placement_is_even(&player.placement);
    const struct cluster *cluster = play->training->replica.cluster;
    if (play->outer != NULL && play->outer->rings > 0 && play->background_count == 0 &&
        cluster->nodes_per_leaf == 0 && play->platform_xml == NULL) {
        player.sites.count = cluster->sites.count;
    }
    find_exchanges(&player, scratch, arena);
    find_messages(&player, scratch, arena);
    struct pipelines chosen = choose_pipelines(&player, folded, arena);
    uint32_t stages = player.schedule->pipeline.stages;
    player.cell_count = pipeline_cell_count(player.schedule->schedule, &player.schedule->pipeline);
    player.passes = (uint64_t)chosen.count * stages * player.cell_count;
    player.engine = open_machine(&player, folded, &chosen, arena, diagnostics);
    if (player.engine == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < stages; i++) {
        pipeline_fill(player.schedule->schedule, &player.schedule->pipeline, i,
                      scratch->pipeline.cells + (size_t)i * player.cell_count);
        pipeline_pair(player.schedule, i, scratch->pipeline.cells + (size_t)i * player.cell_count);
    }
    player.groups = group_players_create(&player.placement, GROUP_DATA, arena);
    player.expert_groups = group_players_create(&player.placement, GROUP_EXPERT_DATA, arena);
    struct stage_player **pipelines = ARENA_ARRAY(arena, struct stage_player *, chosen.count);
    for (uint32_t i = 0; i < chosen.count; i++) {
        pipelines[i] = open_pipeline(&player, scratch, chosen.numbers[i], arena);
        start_pipeline(&player, pipelines[i]);
    }
    if (player.sites.count > 0) {
        site_flows_start(player.engine, &player.sites, play->training, play->outer, folded,
                         play->outer_seconds, arena);
    }
    struct background_traffic *others =
        background_start(player.engine, arena, play->background, play->background_count);
    engine_run(player.engine);
    background_end(others);
    *seconds = 0.0;
    for (uint32_t i = 0; i < chosen.count; i++) {
        for (uint32_t stage = 0; stage < stages; stage++) {
            const struct stage_times *times = pipelines[i][stage].times;
            *seconds = fmax(*seconds, fmax(times->end_seconds, times->exchange_seconds));
            close_stage(&pipelines[i][stage]);
        }
    }
    sum_links(&player, pipelines[0]);
    *events = engine_event_count(player.engine);
    engine_close(player.engine);
    if (player.left > 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){0}),
                       "the step stopped with %u stages waiting for each other", player.left);
        return false;
    }
    return true;
}
