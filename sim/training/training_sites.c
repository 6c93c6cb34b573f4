/* SPDX-License-Identifier: MIT */
#include "sim/training/training_sites.h"

#include "sim/engine/actor.h"

#include <math.h>

void site_nodes_fill(struct site_nodes *nodes, const struct training *training, uint32_t first_node)
{
    const struct cluster *cluster = training->replica.cluster;
    nodes->first_node = first_node;
    nodes->count = cluster->sites.count;
    nodes->cluster = *cluster;
    nodes->cluster.nic_bytes_per_second = cluster->sites.bytes_per_second;
    nodes->kinds[0] = (struct node_links){.first_node = 0, .cluster = cluster};
    nodes->kinds[1] = (struct node_links){.first_node = first_node, .cluster = &nodes->cluster};
}

uint32_t site_nodes_needed(const struct training *training, const struct outer_step *step,
                           bool folded, uint32_t *sites, struct arena *arena)
{
    uint32_t all = training->replica.cluster->sites.count, count = 0;
    bool *there = ARENA_ARRAY(arena, bool, all);
    for (uint32_t i = 0; i < (folded ? 1 : all); i++) {
        for (uint32_t ring = 0; ring <= step->rings; ring++) {
            uint32_t site = ring < step->rings ? outer_next(training, i, ring) : i;
            if (!there[site]) {
                there[site] = true;
                sites[count++] = site;
            }
        }
    }
    return count;
}

/* What a site sends in one ring. */
struct site_flow {
    struct engine *engine;
    uint32_t from_gpu, to_gpu;
    double bytes, latency_seconds, *seconds;
};

static void run_flow(void *data)
{
    const struct site_flow *flow = data;
    actor_sleep(flow->latency_seconds);
    actor_send(flow->engine, flow->from_gpu, flow->to_gpu, flow->bytes, 0.0, 1.0);
    *flow->seconds = fmax(*flow->seconds, engine_clock());
}

void site_flows_start(struct engine *engine, const struct site_nodes *nodes,
                      const struct training *training, const struct outer_step *step, bool folded,
                      double *seconds, struct arena *arena)
{
    uint32_t sites = folded ? 1 : nodes->count;
    struct site_flow *flows = ARENA_ARRAY(arena, struct site_flow, (size_t)sites * step->rings);
    *seconds = 0.0;
    for (uint32_t i = 0; i < sites; i++) {
        for (uint32_t ring = 0; ring < step->rings; ring++) {
            struct site_flow *flow = &flows[(size_t)i * step->rings + ring];
            uint32_t next = outer_next(training, i, ring);
            *flow = (struct site_flow){
                .engine = engine,
                .from_gpu = (nodes->first_node + i) * nodes->cluster.gpus_per_node,
                .to_gpu = (nodes->first_node + next) * nodes->cluster.gpus_per_node,
                .bytes = step->ring_bytes,
                .latency_seconds = step->latency_seconds,
                .seconds = seconds,
            };
            if (flow->bytes > 0.0) {
                actor_start(engine, flow->from_gpu, run_flow, flow, false);
            }
        }
    }
}
