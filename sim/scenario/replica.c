/* SPDX-License-Identifier: MIT */
#include "sim/scenario/replica.h"

#include "models/numeric/whole.h"

#include <math.h>

struct replica scenario_replica(const struct scenario *scenario)
{
    return (struct replica){
        .llm = &scenario->llm,
        .gpu = &scenario->gpu,
        .cluster = &scenario->cluster,
        .software = &scenario->software,
        .layout = &scenario->layout,
        .precision = &scenario->precision,
        .routing = scenario->routing,
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

uint32_t scenario_nodes(const struct scenario *scenario)
{
    struct placement placement = scenario_placement(scenario);
    return scenario->background_count > 0 ? scenario->cluster.nodes : placement_nodes(&placement);
}

struct ring_answer scenario_ring_answer(const struct scenario *scenario, uint64_t new_tokens,
                                        uint64_t cached_tokens)
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
    return ring_choose(scenario->ring_rule, &question);
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

/* Memory of a GPU of one stage; the activations are those of any. */
static struct memory_use stage_memory(const struct scenario *scenario,
                                      const struct replica *replica,
                                      const struct model_stage *stage, double activation_bytes)
{
    struct memory_use use = {.weight_bytes = memory_stage_weight_bytes(replica, stage),
                             .activation_bytes = activation_bytes};
    double room = scenario->memory_fraction * scenario->gpu.memory_bytes;
    double left = room - use.weight_bytes - use.activation_bytes;
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
        if (use.kv_cache_bytes / room.token_bytes < fewest_tokens) {
            fewest_tokens = use.kv_cache_bytes / room.token_bytes;
            tightest = use;
            *kv_room = room;
        }
    }
    return tightest;
}

uint64_t scenario_serving_kv_pages(const struct scenario *scenario)
{
    struct kv_room room = {.token_bytes = 1.0};
    double bytes = scenario_serving_memory(scenario, &room).kv_cache_bytes;
    double tokens = floor(bytes / room.token_bytes) * scenario->layout.context;
    return (uint64_t)(tokens / scenario->serving.service.block_tokens);
}
