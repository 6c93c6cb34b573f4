/* SPDX-License-Identifier: MIT */
#include "sim/training/training_player.h"

/* Folded, only nodes that hold a played GPU or one it sends to exist: a GPU's place in the made
 * platform. */
uint32_t player_gpu(const struct player *player, uint32_t gpu)
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
uint32_t player_stage_gpu(const struct training *training, uint32_t stage, uint32_t instance)
{
    const struct layout *layout = training->replica.layout;
    uint32_t near = layout->tensor * layout->context;
    uint32_t data = instance / near, inside = instance % near;
    return training->pipeline_outside ? inside + near * (data + layout->data * stage)
                                      : inside + near * (stage + layout->pipeline * data);
}

/* Whom an exchange over that edge sends to. */
uint32_t player_exchange_peer(const struct training *training, uint32_t gpu,
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

/* Folded, on a network without shared switches, only the nodes of played GPUs and their peers. */
void player_choose_nodes(struct player *player, struct arena *arena)
{
    const struct training *training = player->play->training;
    uint32_t stages = player->schedule->pipeline.stages;
    if (!player->play->folded || player->cluster.nodes_per_leaf > 0 ||
        player->play->platform_xml != NULL) {
        return;
    }
    player->nodes = ARENA_ARRAY(arena, uint32_t, 2 * (size_t)stages);
    for (uint32_t stage = 0; stage < stages; stage++) {
        uint32_t gpu = player_stage_gpu(training, stage, 0);
        need_node(player, gpu);
        need_node(player, player_exchange_peer(training, gpu, EDGE_FABRIC_NEXT));
    }
}
