/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults/background.h"

#include "sim/serving/serving.h"

struct stream_actor {
    struct serving_run *run;
    const struct background_flow *flow;
};

static void stream_main(void *data)
{
    const struct stream_actor *actor = data;
    const struct background_flow *flow = actor->flow;
    const struct cluster *cluster = &actor->run->scenario->cluster;
    bool in_node = flow->from_gpu / cluster->gpus_per_node == flow->to_gpu / cluster->gpus_per_node;
    double limit = in_node ? 0.0 : cluster->connection_bytes_per_second;
    actor_sleep(flow->start_seconds);
    for (uint64_t i = 0; i < flow->count; i++) {
        actor_send(actor->run->engine, flow->from_gpu, flow->to_gpu, flow->bytes, limit, 1.0);
    }
}

void background_start(struct serving_run *run)
{
    for (size_t i = 0; i < run->scenario->background_count; i++) {
        struct stream_actor *actor = ARENA_NEW(run->arena, struct stream_actor);
        *actor = (struct stream_actor){.run = run, .flow = &run->scenario->background[i]};
        actor_start(run->engine, actor->flow->from_gpu, stream_main, actor, true);
    }
}
