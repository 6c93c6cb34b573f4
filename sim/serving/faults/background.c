/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults/background.h"

#include "sim/serving/replica/fleet.h"

struct stream_actor {
    struct fleet *fleet;
    const struct background_flow *flow;
};

static void stream_main(void *data)
{
    const struct stream_actor *actor = data;
    const struct background_flow *flow = actor->flow;
    const struct cluster *cluster = &actor->fleet->scenario->cluster;
    bool in_node = flow->from_gpu / cluster->gpus_per_node == flow->to_gpu / cluster->gpus_per_node;
    double limit = in_node ? 0.0 : cluster->connection_bytes_per_second;
    actor_sleep(flow->start_seconds);
    for (uint64_t i = 0; i < flow->count; i++) {
        actor_send(actor->fleet->engine, flow->from_gpu, flow->to_gpu, flow->bytes, limit, 1.0);
    }
}

void background_start(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->scenario->background_count; i++) {
        struct stream_actor *actor = ARENA_NEW(fleet->arena, struct stream_actor);
        *actor = (struct stream_actor){.fleet = fleet, .flow = &fleet->scenario->background[i]};
        actor_start(fleet->engine, actor->flow->from_gpu, stream_main, actor, true);
    }
}
