/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/machine_trace.h"

#include "sim/trace/trace_groups.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What a GPU of the platform is. */
struct place {
    const struct pool *pool; /* NULL: nothing, it lies between pools */
    const struct server *server;
    struct rank_role role;
    struct stage_totals totals; /* of all servers on it */
    uint64_t most_pages;        /* of any of them */
    double weight_bytes;
};

struct machine {
    const struct scenario *scenario;
    const struct serving_run *runs; /* [count] */
    size_t count;
    double end_seconds;
};

static void add_server(struct place *place, const struct server *server)
{
    stage_totals_join(&place->totals, &server->stages[place->role.stage]);
    if (server->totals.most_pages > place->most_pages) {
        place->most_pages = server->totals.most_pages;
    }
}

/* Several models may have it: weights are then of all that stay there, or of the largest. */
static void add_run(struct place *place, const struct serving_run *run, uint32_t gpu)
{
    const struct pool *pool = fleet_pool_of(&run->fleet, gpu);
    if (pool == NULL) {
        return;
    }
    struct rank_role role = placement_role(&pool->placement, gpu - pool->first_gpu);
    uint32_t index = role.replica * pool_ranks(pool) + role.attention_rank;
    struct model_stage layers =
        model_stage(pool->replica.llm, pool->scenario->layout.pipeline, role.stage);
    double weights = memory_stage_weight_bytes(&pool->replica, &layers);
    bool stays = run->scenario->sharing.policy == SHARING_RESIDENT;
    place->weight_bytes =
        stays ? place->weight_bytes + weights : fmax(place->weight_bytes, weights);
    if (place->pool == NULL) {
        place->pool = pool;
        place->role = role;
        place->server = &pool->servers[index];
    }
    add_server(place, &pool->servers[index]);
    if (fleet_shares_gpus(&run->fleet)) {
        add_server(place, &run->fleet.pools[POOL_DECODE].servers[index]);
    }
}

static struct place place_of(const struct machine *machine, uint32_t gpu)
{
    struct place place = {.pool = NULL};
    for (size_t i = 0; i < machine->count; i++) {
        add_run(&place, &machine->runs[i], gpu);
    }
    return place;
}

static void add_gpu(struct trace *trace, const struct machine *machine, uint32_t gpu,
                    const struct place *place)
{
    const struct pool *pool = place->pool;
    const struct scenario *scenario = pool->scenario;
    const struct rank_role role = place->role;
    const struct server *server = place->server;
    const struct stage_totals *totals = &place->totals;
    const struct step_parts *parts = &totals->parts;
    struct model_stage layers =
        model_stage(pool->replica.llm, scenario->layout.pipeline, role.stage);
    double pages = (double)place->most_pages;
    double tokens =
        pages * server->view.kv.layout.groups[0].block_tokens / scenario->layout.context;
    double seconds = machine->end_seconds;
    double idle = fmax(seconds - totals->busy_seconds, 0.0);
    trace_add_gpu(
        trace,
        &(struct trace_gpu){
            .gpu = gpu,
            .node = placement_node(&pool->placement, gpu),
            .tensor_rank = role.tensor_rank,
            .context_rank = role.context_rank,
            .gemm_seconds = parts->gemm_seconds,
            .attention_seconds = parts->attention_seconds,
            .memory_kernel_seconds = parts->memory_kernel_seconds,
            .communication_seconds = parts->communication_seconds,
            .experts_seconds = parts->experts_seconds,
            .weights_bytes = place->weight_bytes,
            .kv_cache_bytes =
                pool->kv_layout.group_count > 1
                    ? pages * pool->kv_page_bytes
                    : tokens * memory_stage_kv_bytes_per_token(&pool->replica, &layers),
            .activations_bytes = pool->memory.activation_bytes,
            .capacity_bytes = scenario->gpu.memory_bytes,
            .joules = totals->joules + idle * scenario->gpu.idle_watts,
            .flops = parts->flops,
            .traffic_bytes = totals->bytes,
            .mfu = parts->flops / (seconds * gpu_stated_flops_per_second(&scenario->gpu)),
            .memory_utilisation = totals->bytes / (seconds * scenario->gpu.memory_bytes_per_second),
        });
}

static uint32_t gpus_of(const struct machine *machine)
{
    uint32_t gpus = 0;
    for (size_t i = 0; i < machine->count; i++) {
        uint32_t own = fleet_gpus(&machine->runs[i].fleet);
        gpus = own > gpus ? own : gpus;
    }
    return gpus;
}

/* A card that several GPUs share is counted with the first of them. GPUs between pools have no row,
 * nor has what they alone would use. `row`: of the GPU, or of the next that has one. */
static void add_link(struct trace *trace, const struct machine *machine, uint32_t gpu, uint32_t row,
                     enum link_kind kind)
{
    bool nvlink = kind == LINK_NVLINK_OUT || kind == LINK_NVLINK_IN;
    bool out = kind == LINK_NVLINK_OUT || kind == LINK_NIC_OUT;
    uint32_t per_nic = machine->runs[0].fleet.pools[0].placement.gpus_per_nic;
    uint32_t gpus = gpus_of(machine);
    const struct cluster *cluster = &machine->scenario->cluster;
    if (!nvlink && gpu % per_nic != 0) {
        return;
    }
    double bytes = 0.0, busy = 0.0;
    bool used = false;
    for (uint32_t i = gpu; i < gpus && i < gpu + (nvlink ? 1 : per_nic); i++) {
        struct place place = place_of(machine, i);
        if (place.pool != NULL) {
            const struct link_totals *link = &place.totals.links[kind];
            used = true;
            cluster = &place.pool->scenario->cluster;
            bytes += link->bytes;
            busy = fmax(busy, link->busy_seconds);
        }
    }
    if (!used) {
        return;
    }
    double rate = nvlink ? cluster->node_bytes_per_second : cluster->nic_bytes_per_second;
    char name[32];
    snprintf(name, sizeof name, "%s%" PRIu32 "_%s", nvlink ? "nvlink" : "nic",
             nvlink ? gpu : gpu / per_nic, out ? "UP" : "DOWN");
    trace_add_link(trace, &(struct trace_link){
                              .name = name,
                              .kind = nvlink ? TRACE_NVLINK : TRACE_NIC,
                              .gpu = row,
                              .direction = out ? TRACE_OUT : TRACE_IN,
                              .bytes = bytes,
                              .capacity_bytes_per_second = rate,
                              .busy_seconds = fmin(busy, machine->end_seconds),
                              .utilisation = bytes / (rate * machine->end_seconds),
                          });
}

void machine_trace_write(struct trace *trace, const struct scenario *scenario,
                         const struct serving_run *runs, size_t count, double end_seconds)
{
    const struct machine machine = {
        .scenario = scenario, .runs = runs, .count = count, .end_seconds = end_seconds};
    uint32_t gpus = gpus_of(&machine);
    bool links = scenario->trace.links != LINKS_NONE;
    /* Ranks of several pools or models have no numbers in common. */
    if (count == 1 && runs[0].fleet.pool_count == 1) {
        trace_groups_write(trace, &runs[0].fleet.pools[0].placement);
    }
    for (uint32_t gpu = 0, row = 0; gpu < gpus; gpu++) {
        struct place place = place_of(&machine, gpu);
        if (place.pool != NULL) {
            add_gpu(trace, &machine, gpu, &place);
        }
        for (int kind = 0; kind < LINK_KIND_COUNT && links; kind++) {
            add_link(trace, &machine, gpu, row, (enum link_kind)kind);
        }
        row += place.pool != NULL;
    }
}
