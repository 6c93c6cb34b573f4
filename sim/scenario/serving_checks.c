/* SPDX-License-Identifier: MIT */
#include "sim/base/quantity.h"
#include "sim/scenario/adapter_checks.h"
#include "sim/scenario/classes.h"
#include "sim/scenario/expert_checks.h"
#include "sim/scenario/fault_checks.h"
#include "sim/scenario/finetuning.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/tables.h"
#include "sim/scenario/tier_checks.h"
#include "sim/scenario/workload_checks.h"

#include <math.h>

static void check_pipeline(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    uint32_t stages = scenario->layout.pipeline;
    if (stages > 1 && stages > scenario->llm.stack.layers) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: %u stages, but the model has %u layers; expected at most "
                       "as many stages as layers",
                       stages, scenario->llm.stack.layers);
    }
}

/* Of one pool of two that are each set up in their own way. */
static void check_pool_policy(const struct checker *checker)
{
    const char *path = "workload.service.policy";
    enum batching_kind policy = checker->scenario->serving.service.policy;
    if (checker->scenario->pool == POOL_DECODE && policy != BATCHING_DISAGGREGATED) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: replicas that decode take in whose cache has room, in the order in "
                       "which they come; leave it out",
                       path);
    } else if (policy == BATCHING_SGLANG || policy == BATCHING_STATIC ||
               policy == BATCHING_DEADLINE_ORACLE) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, path),
            "%s: plans for answers too, and these replicas compute prompts alone; "
            "expected vllm, chunked-prefill, prefill-first, no-evict, max-utilization or "
            "deadline",
            path);
    }
}

static void check_pools(const struct checker *checker)
{
    const struct service *service = &checker->scenario->serving.service;
    uint32_t replicas = checker->scenario->layout.data;
    bool pools = service->policy == BATCHING_DISAGGREGATED;
    const char *path = "workload.service.prefill_replicas";
    if (checker->scenario->is_pool) {
        check_pool_policy(checker);
        return;
    }
    if (pools && (service->prefill_replicas == 0 || service->prefill_replicas >= replicas)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %u of the %u replicas (layout.data) prefill, and none or all of the "
                       "others is left to decode; expected 1 to %u",
                       path, service->prefill_replicas, replicas, replicas > 1 ? replicas - 1 : 1);
    } else if (!pools && service->prefill_replicas > 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: only the policy 'disaggregated' has replicas of two kinds", path);
    }
}

/* Keys that SGLang's scheduler does not read, and those that only it does. */
static void check_engine_keys(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    bool sglang = service->policy == BATCHING_SGLANG;
    const struct {
        const char *key;
        bool said, sglangs;
    } keys[] = {
        {"order", service->order != QUEUE_FCFS, true},
        {"mixed_chunk", service->mixed_chunk, true},
        {"max_prefill_tokens", service->max_prefill_tokens != 16384, true},
        {"conservativeness", service->conservativeness != 1.0, true},
        {"priority_threshold", service->priority_threshold != 10, true},
        {"long_prefill_threshold", service->long_prefill_tokens > 0, false},
        {"reserve_prompt", !service->reserve_prompt, false},
        {"watermark", service->watermark > 0.0, false},
        {"align_prompts", service->align_prompts > 0, false},
        {"preemption", service->preemption != PREEMPTION_RECOMPUTE, false},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *path = arena_printf(checker->arena, "workload.service.%s", keys[i].key);
        if (keys[i].said && keys[i].sglangs != sglang && is_known(checker, path)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           keys[i].sglangs
                               ? "%s: only the policy 'sglang' reads it; leave it out"
                               : "%s: the policy 'sglang' does not read it; leave it out",
                           path);
        }
    }
    const char *path = "workload.service.policy";
    if (sglang && scenario->software.estimate.ratio <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: 'sglang' goes by what software.estimate says, and this software says "
                       "none; try software: sglang",
                       path);
    }
    if (sglang && scenario->layout.pipeline > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: must be 1 with the policy 'sglang'; to share the layers "
                       "over more GPUs, raise tensor");
    }
}

/* Deadlines are what the policy goes by, and its predictions are of a replica that steps alone. */
static void check_deadlines(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct serving *serving = &scenario->serving;
    const char *path = "workload.service.policy";
    bool targets = false;
    if (!batching_by_deadline(serving->service.policy)) {
        return;
    }
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        const struct request_class *of = serving_class(serving, i);
        targets = targets || of->slo_ttft_seconds > 0.0 || of->slo_tpot_seconds > 0.0;
    }
    const struct {
        bool wrong;
        const char *what;
    } rules[] = {
        {!targets, "goes by targets, and no request has any; set workload.slo, or slo of a class"},
        {scenario->layout.pipeline > 1,
         "predicts steps that follow each other, and stages of a pipeline work at once; expected "
         "layout.pipeline 1"},
        {layout_attention_data(&scenario->layout) > 1,
         "predicts a replica's own steps, and ranks that share experts wait for each other; "
         "expected layout.attention_data 1"},
        {serving->service.priorities,
         "orders requests by their deadlines; leave priorities out, or try vllm"},
        {serving->service.adapters.max_adapters > 0,
         "does not look at adapters; expected service.adapters.max_adapters 0, or try vllm"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path), "%s: '%s' %s", path,
                           policy_choices[serving->service.policy].name, rules[i].what);
        }
    }
}

static void check_scaling(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    const char *path = "workload.service.scaling";
    const struct cluster *cluster = &scenario->cluster;
    if (service->scaling.target <= 0.0) {
        return;
    }
    if (scenario->is_pool || service->policy == BATCHING_DISAGGREGATED) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: replicas of two kinds do not come and go; expected a service without "
                       "pools, or leave scaling out",
                       path);
    }
    if (layout_attention_data(&scenario->layout) > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: ranks that share experts do not come and go; expected "
                       "layout.attention_data 1, or leave scaling out",
                       path);
    }
    if (service->scaling.least > scenario->layout.data) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.least: %u replicas stay, and there are but %u; expected at most "
                       "layout.data",
                       path, service->scaling.least, scenario->layout.data);
    }
    if (cluster->storage_bytes_per_second <= 0.0 && cluster->node_storage_bytes_per_second <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a replica that starts reads its weights, and the cluster does not say "
                       "how fast; set cluster.storage_rate, such as 20 GB/s, or "
                       "cluster.node_storage_rate",
                       path);
    }
}

/* Keys that but one policy reads. */
static void check_switching_keys(const struct checker *checker)
{
    static const struct {
        const char *path;
        enum switching_kind of;
    } keys[] = {
        {"workload.service.switching.waiting_high", SWITCHING_LOAD},
        {"workload.service.switching.waiting_low", SWITCHING_LOAD},
        {"workload.service.switching.cache_low", SWITCHING_LOAD},
        {"workload.service.switching.within", SWITCHING_DEMAND},
    };
    enum switching_kind policy = checker->scenario->serving.service.switching.policy;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *path = keys[i].path;
        if (keys[i].of != policy && is_known(checker, path) &&
            !is_default(node_find(checker->tree, path), path)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: only the policy '%s' reads it; leave it out", path,
                           switching_choices[keys[i].of].name);
        }
    }
}

static void check_switching(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    const struct phase_switching *says = &service->switching;
    const char *path = "workload.service.switching";
    uint32_t replicas = scenario->layout.data, prefill = service->prefill_replicas;
    check_switching_keys(checker);
    if (says->policy == SWITCHING_NONE) {
        return;
    }
    const struct {
        bool wrong;
        const char *what;
    } rules[] = {
        {scenario->is_pool || service->policy != BATCHING_DISAGGREGATED,
         "replicas alike move between phases; expected policy: disaggregated with "
         "prefill_replicas, and no `pools`"},
        {layout_attention_data(&scenario->layout) > 1,
         "ranks that share experts do not move; expected layout.attention_data 1"},
        {service_has_tiers(service), "a replica that moves has no tiers; leave service.tiers out"},
        {scenario->serving.fault_count > 0 ||
             scenario->serving.random_faults.mean_between_seconds > 0.0,
         "a replica that moves does not fail; leave faults out"},
        {says->cache_low > says->cache_high || says->waiting_low > says->waiting_high,
         "a phase that can spare a replica would want one; expected waiting_low and cache_low "
         "not above waiting_high and cache_high"},
        {!scenario->is_pool && service->policy == BATCHING_DISAGGREGATED &&
             (prefill < says->least || replicas - prefill < says->least),
         "`least` replicas stay with each phase, and at the beginning one has fewer; lower it, or "
         "change prefill_replicas or layout.data"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path), "%s: %s", path,
                           rules[i].what);
        }
    }
}

static void check_overlap(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct experts_exchange *exchange = &scenario->software.exchange;
    const char *path = "workload.service.two_batch_overlap";
    bool by_kernels = exchange_library(exchange, exchange->prompts) != NULL &&
                      exchange_library(exchange, exchange->decode) != NULL;
    if (!scenario->serving.service.two_batch_overlap) {
        return;
    }
    if (layout_attention_data(&scenario->layout) == 1 || layout_experts(&scenario->layout) == 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: no tokens are sent to experts; set layout.attention_data and "
                       "layout.expert, or leave it out",
                       path);
    } else if (!by_kernels) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: the exchange '%s' is a collective that waits for all kernels; expected "
                       "software.exchange: deepep or pplx",
                       path, exchange->name);
    }
}

static void check_weave(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct layout *layout = &scenario->layout;
    const char *path = "workload.service.token_weave";
    bool in_node = layout->tensor <= scenario->cluster.gpus_per_node;
    if (!scenario->serving.service.token_weave) {
        return;
    }
    if (layout->tensor == 1 || !in_node || layout->context > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: sums over tensor ranks of one node run beside kernels; expected "
                       "layout.tensor from 2 to %u and layout.context 1",
                       path, scenario->cluster.gpus_per_node);
    } else if (scenario->software.library.custom.fused_multiprocessors <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: software %s has no kernel of an all-reduce and a norm "
                       "(collectives.custom.fused_multiprocessors)",
                       path, scenario->software.name);
    } else if (scenario->serving.service.two_batch_overlap) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: two_batch_overlap cuts steps in two already; leave one of them out",
                       path);
    }
}

static void check_align(const struct checker *checker)
{
    const char *path = "workload.service.align_prompts";
    if (checker->scenario->serving.service.align_prompts > 0 &&
        layout_attention_data(&checker->scenario->layout) == 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: there are no ranks to wait for; set layout.attention_data, or leave "
                       "it out",
                       path);
    }
}

static void check(const struct checker *checker)
{
    const struct serving *serving = &checker->scenario->serving;
    check_pipeline(checker);
    classes_check(checker);
    check_pools(checker);
    check_engine_keys(checker);
    check_deadlines(checker);
    check_scaling(checker);
    check_switching(checker);
    finetuning_check(checker);
    check_overlap(checker);
    check_weave(checker);
    check_align(checker);
    speculation_check(checker);
    adapters_check(checker);
    tiers_check(checker);
    if (serving->service.max_sequences > serving->service.max_batched_tokens &&
        is_known(checker, "workload.service.max_sequences")) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.service.max_sequences"),
                       "workload.service.max_sequences: each may bring a token to a step, and "
                       "max_batched_tokens is only %llu",
                       (unsigned long long)serving->service.max_batched_tokens);
    }
    if (!checker->scenario->is_pool) { /* faults name replicas and GPUs of all pools */
        check_faults(checker);
    }
}

/* What lies beside `memory.static_fraction` must hold the largest step's activations. */
static void check_static_fraction(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    double share = scenario->memory_static_fraction, memory = scenario->gpu.memory_bytes;
    uint64_t tokens = scenario->serving.service.max_batched_tokens;
    struct replica replica = scenario_replica(scenario);
    struct batch_slice slice = {.phase = PHASE_PREFILL, .sequences = 1, .new_tokens = tokens};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    double step = memory_activation_bytes(&replica, &batch,
                                          scenario_ring_answer(scenario, tokens, 0).variant);
    if (share > 0.0 && share * memory + step > memory) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "memory.static_fraction"),
                       "memory.static_fraction: leaves %s for %s of activations; expected %.2f at "
                       "most, or lower max_batched_tokens",
                       quantity_bytes((1.0 - share) * memory).text, quantity_bytes(step).text,
                       fmax(0.0, floor(100.0 * (1.0 - step / memory)) / 100.0));
    }
}

/* The words for what may be filled, and how much that is. */
static const char *room_text(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    double memory = scenario->gpu.memory_bytes, share = scenario->memory_static_fraction;
    if (share > 0.0) {
        return arena_printf(checker->arena,
                            "weights and cache may have %s of %s "
                            "(memory.static_fraction)",
                            quantity_bytes(share * memory).text, quantity_bytes(memory).text);
    }
    if (scenario->memory_free_fraction > 0.0) {
        return arena_printf(checker->arena, "there are %s", quantity_bytes(memory).text);
    }
    return arena_printf(checker->arena, "%s of %s may be used (memory.fraction)",
                        quantity_bytes(scenario->memory_fraction * memory).text,
                        quantity_bytes(memory).text);
}

/* A page of the KV cache must be left when the weights and the largest step have their room. */
static void check_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    struct kv_room kv = {0};
    struct memory_use use = scenario_serving_memory(scenario, &kv);
    double page = kv.token_bytes * scenario->serving.service.block_tokens;
    check_static_fraction(checker);
    if (use.kv_cache_bytes < page) {
        double missing =
            page - scenario_cache_bytes(scenario, use.weight_bytes, use.activation_bytes);
        if (!check_room_for_copies(checker, missing)) {
            return;
        }
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: leaves no room for a KV cache: a GPU needs %s of weights and %s of "
                       "activations and buffers, and %s; raise "
                       "layout.tensor, lower the precision or max_batched_tokens",
                       quantity_bytes(use.weight_bytes).text,
                       quantity_bytes(use.activation_bytes).text, room_text(checker));
    }
}

const struct workload_checks serving_checks = {
    .name = "a service", .check = check, .check_sums = check_memory};
