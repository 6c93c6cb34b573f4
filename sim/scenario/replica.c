/* SPDX-License-Identifier: MIT */
#include "sim/scenario/replica.h"

#include "models/numeric/whole.h"
#include "sim/scenario/adapter_checks.h"
#include "sim/scenario/finetuning.h"
#include "sim/scenario/proposers.h"

#include <math.h>
#include <string.h>

struct replica scenario_replica(const struct scenario *scenario)
{
    return (struct replica){
        .llm = &scenario->llm,
        .gpu = &scenario->gpu,
        .cluster = &scenario->cluster,
        .software = &scenario->software,
        .layout = &scenario->layout,
        .precision = &scenario->precision,
        .routing = scenario->routing_keys.routing,
    };
}

uint32_t scenario_rank_conversations(const struct scenario *scenario)
{
    return (uint32_t)divide_up(scenario->conversation.batch,
                               layout_attention_data(&scenario->layout));
}

uint64_t scenario_shared_tokens(const struct scenario *scenario, const struct batch_slice *slice)
{
    uint32_t ranks = layout_attention_data(&scenario->layout);
    uint32_t all = scenario->conversation.batch;
    if (ranks == 1 || all % ranks == 0) {
        return 0;
    }
    double each = (double)slice_rank_tokens(slice, scenario->layout.context) / slice->sequences;
    return (uint64_t)(each * all + 0.5);
}

struct placement scenario_placement(const struct scenario *scenario)
{
    bool outside = scenario->workload == WORKLOAD_TRAINING && scenario->training.pipeline_outside;
    return placement_of(&scenario->layout, &scenario->cluster,
                        outside ? STAGES_OUTSIDE : STAGES_INSIDE);
}

uint32_t scenario_pool_count(const struct scenario *scenario)
{
    bool disaggregated = scenario->workload == WORKLOAD_SERVING &&
                         scenario->serving.service.policy == BATCHING_DISAGGREGATED;
    return disaggregated ? POOL_COUNT : 1;
}

/* Replicas that move between phases have a server of each on the same GPUs. */
static bool shares_gpus(const struct scenario *scenario)
{
    return scenario_pool_count(scenario) > 1 &&
           scenario->serving.service.switching.policy != SWITCHING_NONE;
}

static bool differ(double a, double b)
{
    return a < b || a > b;
}

/* Whether replicas of both may share a node. */
static bool same_nodes(const struct scenario *a, const struct scenario *b)
{
    return strcmp(a->gpu.name, b->gpu.name) == 0 && strcmp(a->cluster.name, b->cluster.name) == 0 &&
           !differ(a->cluster.node_bytes_per_second, b->cluster.node_bytes_per_second) &&
           !differ(a->cluster.nic_bytes_per_second, b->cluster.nic_bytes_per_second);
}

/* Replicas of a node begin at a multiple of their size, larger ones with a node; so do those on
 * nodes of another kind. */
static uint32_t first_gpu_after(const struct scenario *before, const struct scenario *scenario,
                                uint32_t gpus)
{
    uint32_t in_node = scenario->cluster.gpus_per_node;
    uint32_t replica = layout_gpus(&scenario->layout) / scenario->layout.data;
    uint32_t step = same_nodes(before, scenario) && in_node % replica == 0 ? replica : in_node;
    return (uint32_t)divide_up(gpus, step) * step;
}

uint32_t scenario_first_gpu_after(const struct scenario *before, const struct scenario *scenario)
{
    return first_gpu_after(before, scenario, before->first_gpu + layout_gpus(&before->layout));
}

struct pool_place scenario_pool(const struct scenario *scenario, uint32_t pool)
{
    struct pool_place place = {
        .scenario = scenario, .layout = scenario->layout, .first_gpu = scenario->first_gpu};
    if (scenario->pools[0] != NULL) {
        place.scenario = scenario->pools[pool];
        place.layout = place.scenario->layout;
        uint32_t before = layout_gpus(&scenario->pools[0]->layout);
        place.first_gpu =
            pool == 0 ? 0 : first_gpu_after(scenario->pools[0], place.scenario, before);
    } else if (scenario_pool_count(scenario) > 1 && !shares_gpus(scenario)) {
        uint32_t prefill = scenario->serving.service.prefill_replicas;
        uint32_t gpus = layout_gpus(&scenario->layout) / scenario->layout.data;
        place.layout.data = pool == 0 ? prefill : scenario->layout.data - prefill;
        place.first_gpu += pool == 0 ? 0 : prefill * gpus;
    }
    return place;
}

/* Of all tenants, which share them or have each their own. */
static uint32_t tenant_gpus(const struct scenario *scenario)
{
    size_t owners = scenario->sharing.policy == SHARING_APART ? scenario->tenant_count : 1;
    uint32_t gpus = 0;
    for (size_t i = 0; i < owners; i++) {
        gpus += scenario_gpus(scenario->tenants[i].scenario);
    }
    return gpus;
}

uint32_t scenario_gpus(const struct scenario *scenario)
{
    if (scenario->tenant_count > 0) {
        return tenant_gpus(scenario);
    }
    uint32_t gpus = 0, pools = shares_gpus(scenario) ? 1 : scenario_pool_count(scenario);
    for (uint32_t i = 0; i < pools; i++) {
        struct pool_place place = scenario_pool(scenario, i);
        gpus += layout_gpus(&place.layout);
    }
    return gpus;
}

uint32_t scenario_node_kinds(const struct scenario *scenario,
                             struct node_links kinds[static POOL_COUNT])
{
    uint32_t count = 0;
    for (uint32_t i = 0; scenario->pools[0] != NULL && i < POOL_COUNT; i++) {
        struct pool_place place = scenario_pool(scenario, i);
        const struct cluster *cluster = &place.scenario->cluster;
        kinds[count++] = (struct node_links){.first_node = place.first_gpu / cluster->gpus_per_node,
                                             .cluster = cluster};
    }
    return count;
}

uint32_t scenario_nodes(const struct scenario *scenario)
{
    struct placement placement = scenario_placement(scenario);
    uint32_t nodes = placement_nodes(&placement);
    if (scenario->tenant_count > 0) {
        const struct scenario *last = scenario->tenants[scenario->tenant_count - 1].scenario;
        nodes = (uint32_t)divide_up(last->first_gpu + layout_gpus(&last->layout),
                                    scenario->cluster.gpus_per_node);
    } else if (scenario->pools[0] != NULL) {
        struct pool_place last = scenario_pool(scenario, POOL_DECODE);
        nodes = (uint32_t)divide_up(last.first_gpu + layout_gpus(&last.layout),
                                    scenario->pools[0]->cluster.gpus_per_node);
    }
    bool others = scenario->background_count > 0 && nodes < scenario->cluster.nodes;
    return others ? scenario->cluster.nodes : nodes;
}

static struct ring_answer ring_answer(const struct scenario *scenario, enum ring_rule rule,
                                      uint64_t new_tokens, uint64_t cached_tokens)
{
    const struct cluster *cluster = &scenario->cluster;
    const struct gqa *attention = stack_attention(&scenario->llm.stack);
    struct ring_question question = {
        .new_tokens = new_tokens,
        .cached_tokens = cached_tokens,
        .ranks = scenario->layout.context,
        .query_heads = attention == NULL ? 1 : attention->query_heads,
        .kv_heads = attention == NULL ? 1 : attention->kv_heads,
        .element_bytes = format_bytes(precision_kv_hops(&scenario->precision)),
        .flops_per_second = gpu_stated_flops_per_second(&scenario->gpu),
        .bytes_per_second =
            cluster->nic_bytes_per_second * cluster->nics_per_node / cluster->gpus_per_node,
    };
    return ring_choose(rule, &question);
}

struct ring_answer scenario_ring_answer(const struct scenario *scenario, uint64_t new_tokens,
                                        uint64_t cached_tokens)
{
    return ring_answer(scenario, scenario->ring_rule, new_tokens, cached_tokens);
}

bool scenario_passes_queries(const struct scenario *scenario, uint64_t new_tokens,
                             uint64_t cached_tokens)
{
    return ring_answer(scenario, RING_RULE_ALGORITHM_5, new_tokens, cached_tokens).variant ==
           RING_PASS_Q;
}

/* What a rank holds beside weights and KV cache when a step takes so many tokens. */
static double profile_bytes(const struct scenario *scenario, const struct replica *replica,
                            uint64_t tokens, uint32_t sequences, bool heads)
{
    struct batch_slice slice = {.phase = PHASE_PREFILL, .sequences = 1, .new_tokens = tokens};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    enum ring_variant variant = scenario_ring_answer(scenario, tokens, 0).variant;
    return memory_profile_bytes(replica, &batch, variant, sequences, heads);
}

double scenario_activation_bytes(const struct scenario *scenario, const struct batch *batch,
                                 enum ring_variant variant)
{
    struct replica replica = scenario_replica(scenario);
    const struct engine_limits *limits =
        software_limits(&scenario->software, scenario->gpu.memory_bytes);
    /* An engine has set aside what its server's largest step needs, whoever comes. */
    double engine = limits->max_batched_tokens == 0
                        ? 0.0
                        : profile_bytes(scenario, &replica, limits->max_batched_tokens,
                                        limits->max_sequences, true);
    double own = memory_profile_bytes(&replica, batch, variant, scenario->conversation.batch, true);
    return own > engine ? own : engine;
}

struct memory_use scenario_prefill_memory(const struct scenario *scenario, uint64_t new_tokens,
                                          uint64_t cached_tokens, enum ring_variant variant)
{
    struct replica replica = scenario_replica(scenario);
    struct batch_slice slice = {.phase = PHASE_PREFILL,
                                .sequences = scenario_rank_conversations(scenario),
                                .new_tokens = new_tokens,
                                .cached_tokens = cached_tokens};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    return (struct memory_use){
        .weight_bytes = memory_weight_bytes(&replica),
        .kv_cache_bytes =
            memory_kv_cache_bytes(&replica, slice.sequences, cached_tokens + new_tokens),
        .activation_bytes = scenario_activation_bytes(scenario, &batch, variant),
    };
}

double scenario_cache_bytes(const struct scenario *scenario, double weight_bytes,
                            double activation_bytes)
{
    double memory = scenario->gpu.memory_bytes;
    if (scenario->memory_static_fraction > 0.0) {
        return scenario->memory_static_fraction * memory - weight_bytes;
    }
    if (scenario->memory_free_fraction > 0.0) {
        return scenario->memory_free_fraction * (memory - weight_bytes - activation_bytes);
    }
    return scenario->memory_fraction * memory - weight_bytes - activation_bytes;
}

/* Memory of a GPU of one stage; the activations are those of any. */
static struct memory_use stage_memory(const struct scenario *scenario,
                                      const struct replica *replica,
                                      const struct model_stage *stage, double activation_bytes)
{
    struct memory_use use = {.weight_bytes = memory_stage_weight_bytes(replica, stage) +
                                             speculation_weight_bytes(scenario) +
                                             adapters_room_bytes(scenario, stage) +
                                             finetuning_room_bytes(scenario),
                             .activation_bytes = activation_bytes};
    double left = scenario_cache_bytes(scenario, use.weight_bytes, use.activation_bytes);
    use.kv_cache_bytes = left > 0.0 ? left : 0.0;
    return use;
}

struct memory_use scenario_serving_memory(const struct scenario *scenario, struct kv_room *kv_room)
{
    struct replica replica = scenario_replica(scenario);
    const struct service *service = &scenario->serving.service;
    struct memory_use tightest = {0};
    double fewest_tokens = INFINITY;
    for (uint32_t i = 0; i < scenario->layout.pipeline; i++) {
        struct model_stage stage = model_stage(replica.llm, scenario->layout.pipeline, i);
        double activation_bytes = profile_bytes(scenario, &replica, service->max_batched_tokens,
                                                service->max_sequences, stage.heads);
        struct memory_use use = stage_memory(scenario, &replica, &stage, activation_bytes);
        struct kv_room room = memory_stage_kv_room(&replica, &stage);
        room.token_bytes += speculation_token_bytes(scenario, &scenario->layout);
        /* A state for each token that is verified, for nobody knows which will be right. */
        room.state_bytes *= 1.0 + service_drafts(service);
        if (use.kv_cache_bytes / room.token_bytes < fewest_tokens) {
            fewest_tokens = use.kv_cache_bytes / room.token_bytes;
            tightest = use;
            *kv_room = room;
        }
    }
    return tightest;
}

/* One pool of blocks for all groups is vLLM's, of models whose caches nobody else reads: a drafter
 * or a tier counts by the token. */
static bool stage_grouping(const struct scenario *scenario, uint32_t index,
                           struct kv_grouping *grouping)
{
    const struct service *service = &scenario->serving.service;
    struct replica replica = scenario_replica(scenario);
    struct model_stage stage = model_stage(replica.llm, scenario->layout.pipeline, index);
    return service->policy == BATCHING_VLLM && scenario->layout.context == 1 &&
           !service_has_tiers(service) &&
           speculation_token_bytes(scenario, &scenario->layout) <= 0.0 &&
           kv_grouping_of(&replica, &stage, service->block_tokens, grouping);
}

bool scenario_serving_kv_grouping(const struct scenario *scenario, struct kv_grouping *grouping)
{
    return stage_grouping(scenario, 0, grouping);
}

/* Of the stage that has the fewest. */
static uint64_t grouped_pages(const struct scenario *scenario)
{
    struct replica replica = scenario_replica(scenario);
    const struct service *service = &scenario->serving.service;
    double fewest = INFINITY;
    for (uint32_t i = 0; i < scenario->layout.pipeline; i++) {
        struct kv_grouping grouping;
        struct model_stage stage = model_stage(replica.llm, scenario->layout.pipeline, i);
        double activation_bytes = profile_bytes(scenario, &replica, service->max_batched_tokens,
                                                service->max_sequences, stage.heads);
        struct memory_use use = stage_memory(scenario, &replica, &stage, activation_bytes);
        if (stage_grouping(scenario, i, &grouping) && grouping.block_bytes > 0.0) {
            fewest = fmin(fewest, floor(use.kv_cache_bytes / grouping.block_bytes));
        }
    }
    return (uint64_t)fewest;
}

uint64_t scenario_serving_kv_pages(const struct scenario *scenario)
{
    struct kv_grouping grouping;
    if (scenario_serving_kv_grouping(scenario, &grouping)) {
        return grouped_pages(scenario);
    }
    struct kv_room room = {.token_bytes = 1.0};
    double bytes = scenario_serving_memory(scenario, &room).kv_cache_bytes;
    double tokens = floor(bytes / room.token_bytes) * scenario->layout.context;
    return (uint64_t)(tokens / scenario->serving.service.block_tokens);
}

double tenant_gpu_bytes(const struct scenario *tenant)
{
    struct kv_room room = {0};
    struct memory_use use = scenario_serving_memory(tenant, &room);
    return use.weight_bytes + use.kv_cache_bytes + use.activation_bytes;
}
