/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/machine_trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The server that a GPU belongs to. */
static const struct server *server_of(const struct serving_run *run, const struct rank_role *role)
{
    uint32_t ranks = layout_attention_data(&run->scenario->layout);
    return &run->fleet.servers[role->replica * ranks + role->attention_rank];
}

static const struct stage_totals *totals_of(const struct serving_run *run, uint32_t gpu)
{
    struct rank_role role = placement_role(&run->fleet.placement, gpu);
    return &server_of(run, &role)->stages[role.stage];
}

static void add_gpu(struct trace *trace, const struct serving_run *run, uint32_t gpu)
{
    const struct scenario *scenario = run->scenario;
    struct rank_role role = placement_role(&run->fleet.placement, gpu);
    const struct server *server = server_of(run, &role);
    const struct stage_totals *totals = totals_of(run, gpu);
    const struct step_parts *parts = &totals->parts;
    struct model_stage layers =
        model_stage(run->fleet.replica.llm, scenario->layout.pipeline, role.stage);
    double tokens = (double)server->totals.most_pages *
                    server->view.kv.layout.groups[0].block_tokens / scenario->layout.context;
    double seconds = run->end_seconds;
    double idle = fmax(seconds - totals->busy_seconds, 0.0);
    trace_add_gpu(
        trace,
        &(struct trace_gpu){
            .gpu = gpu,
            .node = placement_node(&run->fleet.placement, gpu),
            .tensor_rank = role.tensor_rank,
            .context_rank = role.context_rank,
            .gemm_seconds = parts->gemm_seconds,
            .attention_seconds = parts->attention_seconds,
            .memory_kernel_seconds = parts->memory_kernel_seconds,
            .communication_seconds = parts->communication_seconds,
            .weights_bytes = memory_stage_weight_bytes(&run->fleet.replica, &layers),
            .kv_cache_bytes =
                tokens * memory_stage_kv_bytes_per_token(&run->fleet.replica, &layers),
            .activations_bytes = run->memory.activation_bytes,
            .capacity_bytes = scenario->gpu.memory_bytes,
            .joules = totals->joules + idle * scenario->gpu.idle_watts,
            .flops = parts->flops,
            .traffic_bytes = totals->bytes,
            .mfu = parts->flops / (seconds * gpu_stated_flops_per_second(&scenario->gpu)),
            .memory_utilisation = totals->bytes / (seconds * scenario->gpu.memory_bytes_per_second),
        });
}

/* A card that several GPUs share is counted with the first of them. */
static void add_link(struct trace *trace, const struct serving_run *run, uint32_t gpu,
                     enum link_kind kind)
{
    const struct cluster *cluster = &run->scenario->cluster;
    bool nvlink = kind == LINK_NVLINK_OUT || kind == LINK_NVLINK_IN;
    bool out = kind == LINK_NVLINK_OUT || kind == LINK_NIC_OUT;
    uint32_t per_nic = run->fleet.placement.gpus_per_nic, gpus = run->fleet.placement.ranks;
    if (!nvlink && gpu % per_nic != 0) {
        return;
    }
    double bytes = 0.0, busy = 0.0;
    for (uint32_t i = gpu; i < gpus && i < gpu + (nvlink ? 1 : per_nic); i++) {
        const struct link_totals *link = &totals_of(run, i)->links[kind];
        bytes += link->bytes;
        busy = fmax(busy, link->busy_seconds);
    }
    double rate = nvlink ? cluster->node_bytes_per_second : cluster->nic_bytes_per_second;
    char name[32];
    snprintf(name, sizeof name, "%s%" PRIu32 "_%s", nvlink ? "nvlink" : "nic",
             nvlink ? gpu : gpu / per_nic, out ? "UP" : "DOWN");
    trace_add_link(trace, &(struct trace_link){
                              .name = name,
                              .kind = nvlink ? TRACE_NVLINK : TRACE_NIC,
                              .gpu = gpu,
                              .direction = out ? TRACE_OUT : TRACE_IN,
                              .bytes = bytes,
                              .capacity_bytes_per_second = rate,
                              .busy_seconds = fmin(busy, run->end_seconds),
                              .utilisation = bytes / (rate * run->end_seconds),
                          });
}

void machine_trace_write(struct trace *trace, const struct serving_run *run)
{
    uint32_t gpus = run->fleet.placement.ranks;
    bool links = run->scenario->trace.links != LINKS_NONE;
    for (uint32_t gpu = 0; gpu < gpus; gpu++) {
        add_gpu(trace, run, gpu);
        for (int kind = 0; kind < LINK_KIND_COUNT && links; kind++) {
            add_link(trace, run, gpu, (enum link_kind)kind);
        }
    }
}
