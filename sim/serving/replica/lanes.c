/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/lanes.h"

#include "sim/serving/replica/fleet.h"

#include <math.h>

/* Hidden state and residual of the batch's tokens: vLLM sends a tensor rank's share from each rank
 * to its counterpart (IntermediateTensors, send_tensor_dict). Ranks alike share no link but a card:
 * those of one card go as one flow that stands for all. */
static void send_activations(struct lane *lane, const struct step_shape *shape, uint32_t stage)
{
    const struct server *server = lane->server;
    const struct fleet *fleet = server->fleet;
    const struct pool *pool = server->pool;
    const struct scenario *scenario = pool->scenario;
    const struct cluster *cluster = &scenario->cluster;
    uint32_t gpus = scenario->layout.tensor * scenario->layout.context *
                    layout_attention_data(&scenario->layout);
    const struct placement *placement = &pool->placement;
    uint32_t rank = server->first_gpu - pool->first_gpu;
    uint32_t from = pool->first_gpu + placement_move(placement, rank, DIMENSION_PIPELINE, stage);
    uint32_t to = pool->first_gpu + placement_move(placement, rank, DIMENSION_PIPELINE, stage + 1);
    bool in_node = placement_in_node(placement, from, to);
    double per_card = in_node ? 1.0 : fmin(placement->gpus_per_nic, gpus);
    double tokens = shape->decodes + (double)shape->prompt_tokens;
    double bytes = 2.0 * tokens * pool->replica.llm->hidden *
                   format_bytes(scenario->precision.activations) / gpus;
    double limit = 0.0;
    if (!in_node) {
        double nic = cluster->nic_bytes_per_second * server->nic_share;
        double connection = per_card * cluster->connection_bytes_per_second;
        limit = connection > 0.0 && connection < nic ? connection : nic;
        actor_sleep(cluster->fabric_latency_seconds);
    }
    struct stage_totals *stages = server->stages;
    enum link_kind out = in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT;
    enum link_kind in = in_node ? LINK_NVLINK_IN : LINK_NIC_IN;
    stage_flow_begin(&stages[stage], out);
    stage_flow_begin(&stages[stage + 1], in);
    actor_send(fleet->engine, from, to, ceil(per_card * bytes), limit, gpus / per_card);
    stage_flow_end(&stages[stage], out, bytes);
    stage_flow_end(&stages[stage + 1], in, bytes);
}

void lane_pass(struct lane *lane, const struct step_shape *shape, struct step_cost *cost,
               double *busy_seconds)
{
    struct server *server = lane->server;
    uint32_t stages = server->pool->scenario->layout.pipeline, epoch = server->epoch;
    double joules = 0.0;
    *cost = (struct step_cost){0};
    *busy_seconds = 0.0;
    for (uint32_t i = 0; i < stages && server->epoch == epoch; i++) {
        struct step_cost part = step_cost(server->stage_costs[i], shape);
        double pace = server->slowness[i] * pace_of_step(&server->pace, part.watts, engine_clock());
        double seconds = part.seconds * pace + (i == 0 ? lane->swap_seconds : 0.0);
        server->stage_ends[i] = fmax(server->stage_ends[i], engine_clock()) + seconds;
        actor_sleep(server->stage_ends[i] - engine_clock());
        stage_totals_add(&server->stages[i], &part, 1.0, seconds);
        *busy_seconds += seconds / stages;
        joules += seconds * part.watts / stages;
        cost->variant = part.variant;
        cost->bytes += part.bytes / stages;
        cost->nvlink_bytes += part.nvlink_bytes / stages;
        cost->network_bytes += part.network_bytes / stages;
        if (i + 1 < stages && server->epoch == epoch) {
            send_activations(lane, shape, i);
        }
    }
    cost->seconds = *busy_seconds;
    cost->watts = joules / *busy_seconds;
}
