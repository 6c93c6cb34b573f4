/* SPDX-License-Identifier: MIT */
#include "sim/scenario/cross_checks.h"

#include "models/layers/layer_rows.h"
#include "sim/base/quantity.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/context_checks.h"
#include "sim/scenario/expert_checks.h"
#include "sim/scenario/fault_checks.h"
#include "sim/scenario/gpu_checks.h"
#include "sim/scenario/precision_checks.h"
#include "sim/scenario/replica.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mark mark_of(const struct checker *checker, const char *path)
{
    const struct node *node = node_find(checker->tree, path);
    if (node == NULL || node->origin == ORIGIN_DEFAULT) {
        const char *dot = strrchr(path, '.');
        return dot == NULL ? checker->tree->mark
                           : mark_of(checker,
                                     arena_printf(checker->arena, "%.*s", (int)(dot - path), path));
    }
    return node->mark;
}

bool is_known(const struct checker *checker, const char *path)
{
    const struct node *node = node_find(checker->tree, path);
    return node != NULL && node->accepted;
}

static void check_attention(const struct checker *checker, const struct gqa *gqa)
{
    unsigned tensor = checker->scenario->layout.tensor;
    unsigned query_heads = gqa->query_heads, kv_heads = gqa->kv_heads;
    if (query_heads > 0 && kv_heads > 0 && query_heads % kv_heads != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "model.kv_heads"),
                       "model.kv_heads: %u does not divide the %u query heads", kv_heads,
                       query_heads);
    }
    if (tensor > 0 && query_heads > 0 && query_heads % tensor != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.tensor"),
                       "layout.tensor: %u does not divide the model's %u query heads", tensor,
                       query_heads);
    } else if (tensor > 0 && kv_heads > 0 && kv_heads % tensor != 0 && tensor % kv_heads != 0) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "layout.tensor"),
            "layout.tensor: %u neither divides the model's %u KV heads nor is a multiple "
            "of them",
            tensor, kv_heads);
    }
}

static void check_layers(const struct checker *checker)
{
    const struct stack *stack = &checker->scenario->llm.stack;
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        const struct layer_kind *kind = &stack->kinds[i];
        for (uint32_t j = 0; j < kind->mixer_count; j++) {
            if (kind->mixers[j].kind == MIXER_GQA) {
                check_attention(checker, &kind->mixers[j].gqa);
            }
        }
        if (!layer_kind_runs(kind)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "model"),
                           "model: what layers of kind '%s' do has no program yet: it can be "
                           "described, not run",
                           kind->name);
            continue;
        }
        const char *refusal = layer_context_refusal(kind);
        if (checker->scenario->layout.context > 1 && refusal != NULL) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.context"),
                           "layout.context: context ranks cannot share layers of kind '%s': %s; "
                           "expected 1, and more tensor ranks",
                           kind->name, refusal);
        }
    }
}

/* Not when the model's file says a value and the scenario another shape: it may cut layers off, and
 * the file's super weights with them. */
static bool is_of_shape(const struct checker *checker, const char *path)
{
    static const char *const shape[] = {"model.layers", "model.hidden", "model.ffn_hidden"};
    const struct node *node = node_find(checker->tree, path);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const struct node *size = node_find(checker->tree, shape[i]);
        bool cut = size != NULL && size->origin != ORIGIN_DATA && node != NULL &&
                   node->origin == ORIGIN_DATA;
        if (node == NULL || size == NULL || !size->accepted || cut) {
            return false;
        }
    }
    return true;
}

static void check_super_weights(const struct checker *checker)
{
    const struct llm *llm = &checker->scenario->llm;
    for (size_t i = 0; i < llm->super_weight_count; i++) {
        const struct super_weight *weight = &llm->super_weights[i];
        const char *path = arena_printf(checker->arena, "model.super_weights.%zu", i);
        if (!llm_has_super_weight(llm, weight) && is_of_shape(checker, path)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "model.super_weights: layer %u, row %u, column %u is not in the model, "
                           "whose down projections are %u layers of %u rows and %u columns, "
                           "counted from 0",
                           weight->layer, weight->row, weight->column, llm->stack.layers,
                           llm->hidden,
                           llm->stack.kinds[stack_kind(&llm->stack, weight->layer)].ffn.hidden);
        }
    }
    for (size_t i = 1; i < llm->int4.count; i++) {
        if (llm->int4.points[i].elements <= llm->int4.points[i - 1].elements) {
            DIAGNOSE_ERROR(
                checker->diagnostics,
                mark_of(checker, arena_printf(checker->arena, "model.int4_accuracy.blocks.%zu", i)),
                "model.int4_accuracy.blocks: %.15g elements come after %.15g; list them "
                "from the smallest block to the largest",
                llm->int4.points[i].elements, llm->int4.points[i - 1].elements);
        }
    }
}

static void check_experts(const struct checker *checker)
{
    const struct llm *llm = &checker->scenario->llm;
    unsigned experts = llm->keys.experts.count, per_token = llm->keys.experts.per_token;
    if (experts == 0 && (per_token > 0 || llm->keys.shared_ffn_hidden > 0)) {
        const char *key = per_token > 0 ? "model.experts_per_token" : "model.shared_ffn_hidden";
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, key),
                       "%s: the model has no experts; set model.experts", key);
    } else if (experts > 0 && (per_token == 0 || per_token > experts)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "model.experts_per_token"),
                       "model.experts_per_token: %u of the model's %u experts; expected 1 to %u",
                       per_token, experts, experts);
    }
}

static void check_placement(const struct checker *checker)
{
    const struct layout *layout = &checker->scenario->layout;
    const struct cluster *cluster = &checker->scenario->cluster;
    double needed = (double)layout->tensor * layout->context * layout->pipeline * layout->data *
                    layout_attention_data(layout);
    double there = (double)cluster->nodes * cluster->gpus_per_node;
    if (needed > 0.0 && there > 0.0 && needed > there) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "layout"),
            "layout: needs %.0f GPUs (tensor %u x context %u%s x pipeline %u x data %u), "
            "and the cluster has %.0f (%u nodes of %u); set cluster.nodes",
            needed, layout->tensor, layout->context,
            layout_attention_data(layout) > 1 ? arena_printf(checker->arena, " x attention_data %u",
                                                             layout_attention_data(layout))
                                              : "",
            layout->pipeline, layout->data, there, cluster->nodes, cluster->gpus_per_node);
    }
    unsigned tensor = layout->tensor, node = cluster->gpus_per_node;
    if (tensor > 0 && node > 0 && tensor % node != 0 && node % tensor != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.tensor"),
                       "layout.tensor: %u neither divides the %u GPUs of a node nor fills whole "
                       "nodes",
                       tensor, node);
    }
}

/* The GPU and the software are the scenario's or the cluster's to name. */
static void check_is_named(const struct checker *checker, const char *key, const char *folder)
{
    if (node_get(checker->tree, key) == NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "cluster"),
                       "missing key '%s': neither the scenario nor its cluster names one; expected "
                       "a name (a file in %s), a path or a mapping",
                       key, folder);
    }
}

static void check_cluster(const struct checker *checker)
{
    const struct cluster *cluster = &checker->scenario->cluster;
    if (cluster->nics_per_node > 0 && cluster->gpus_per_node % cluster->nics_per_node != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "cluster.nics_per_node"),
                       "cluster.nics_per_node: %u does not divide gpus_per_node, %u",
                       cluster->nics_per_node, cluster->gpus_per_node);
    }
    if (cluster->nic_bytes_per_second > 0.0 &&
        cluster->connection_bytes_per_second > cluster->nic_bytes_per_second) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "cluster.connection_rate"),
            "cluster.connection_rate: %.4g GB/s is more than the network card's %.4g GB/s",
            cluster->connection_bytes_per_second / 1e9, cluster->nic_bytes_per_second / 1e9);
    }
}

static void check_workload(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    uint32_t stages = scenario->layout.pipeline;
    if (!is_known(checker, "workload") || stages <= 1) {
        return;
    }
    if (scenario->workload == WORKLOAD_CONVERSATION) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: must be 1 for a conversation; to share the layers over "
                       "more GPUs, raise tensor");
    } else if (scenario->workload == WORKLOAD_SERVING && stages > scenario->llm.stack.layers) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: %u stages, but the model has %u layers; expected at most "
                       "as many stages as layers",
                       stages, scenario->llm.stack.layers);
    } else if (scenario->workload == WORKLOAD_SERVING &&
               scenario->serving.service.policy == BATCHING_DISAGGREGATED) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: must be 1 with disaggregated pools; to share the layers "
                       "over more GPUs, raise tensor");
    }
}

static void check_lengths(const struct checker *checker, const char *name, enum length_kind kind,
                          const struct length *length)
{
    if (kind == LENGTH_UNIFORM && length->least > length->most) {
        const char *path = arena_printf(checker->arena, "workload.lengths.%s.least", name);
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: is more than `most`, %llu tokens", path,
                       (unsigned long long)length->most);
    }
}

static void check_pools(const struct checker *checker)
{
    const struct service *service = &checker->scenario->serving.service;
    uint32_t replicas = checker->scenario->layout.data;
    bool pools = service->policy == BATCHING_DISAGGREGATED;
    const char *path = "workload.service.prefill_replicas";
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
        {"long_prefill_threshold", service->long_prefill_tokens > 0, false},
        {"reserve_prompt", !service->reserve_prompt, false},
        {"watermark", service->watermark > 0.0, false},
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

/* A file that the run will read. */
static void check_file(const struct checker *checker, const char *path, const char *file)
{
    if (file == NULL || file[0] == '\0' || !is_known(checker, path) || access(file, R_OK) == 0) {
        return;
    }
    DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path), "%s: '%s' cannot be opened: %s",
                   path, file, strerror(errno));
}

static void check_serving(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct serving *serving = &scenario->serving;
    if (!is_known(checker, "workload") || scenario->workload != WORKLOAD_SERVING) {
        return;
    }
    if (is_known(checker, "workload.arrivals") && !serving_reads_requests(serving) &&
        node_find(checker->tree, "workload.lengths") == NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload"),
                       "missing required key 'workload.lengths'; expected a mapping of: prompt, "
                       "output");
    }
    check_file(checker, "workload.arrivals.file", serving->arrivals.file);
    check_file(checker, "workload.lengths.prompt.file", serving->prompt.file);
    check_file(checker, "workload.lengths.output.file", serving->output.file);
    check_lengths(checker, "prompt", serving->prompt_kind, &serving->prompt);
    check_lengths(checker, "output", serving->output_kind, &serving->output);
    check_pools(checker);
    check_engine_keys(checker);
    if (serving->service.max_sequences > serving->service.max_batched_tokens &&
        is_known(checker, "workload.service.max_sequences")) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.service.max_sequences"),
                       "workload.service.max_sequences: each may bring a token to a step, and "
                       "max_batched_tokens is only %llu",
                       (unsigned long long)serving->service.max_batched_tokens);
    }
    check_faults(checker);
}

/* A page of the KV cache must be left when the weights and the largest step have their room. */
static void check_serving_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    struct kv_room kv = {0};
    struct memory_use use = scenario_serving_memory(scenario, &kv);
    double page = kv.token_bytes * scenario->serving.service.block_tokens;
    if (use.kv_cache_bytes < page) {
        double room = scenario->memory_fraction * scenario->gpu.memory_bytes;
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: leaves no room for a KV cache: a GPU needs %s of weights and %s of "
                       "activations and buffers, and %s of %s may be used (memory.fraction); raise "
                       "layout.tensor, lower the precision or max_batched_tokens",
                       quantity_bytes(use.weight_bytes).text,
                       quantity_bytes(use.activation_bytes).text, quantity_bytes(room).text,
                       quantity_bytes(scenario->gpu.memory_bytes).text);
    }
}

static void check_background_gpu(const struct checker *checker, const char *path, uint32_t gpu)
{
    const struct cluster *cluster = &checker->scenario->cluster;
    uint64_t gpus = (uint64_t)cluster->nodes * cluster->gpus_per_node;
    if (gpus > 0 && gpu >= gpus) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: there is no GPU %u; the cluster's are 0 to %llu", path, gpu,
                       (unsigned long long)gpus - 1);
    }
}

static void check_background(const struct checker *checker)
{
    for (size_t i = 0; i < checker->scenario->background_count; i++) {
        const struct background *flow = &checker->scenario->background[i];
        const char *from = arena_printf(checker->arena, "background.%zu.from", i);
        const char *to = arena_printf(checker->arena, "background.%zu.to", i);
        check_background_gpu(checker, from, flow->from_gpu);
        check_background_gpu(checker, to, flow->to_gpu);
        if (flow->from_gpu == flow->to_gpu && is_known(checker, from) && is_known(checker, to)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, to), "%s: GPU %u sends to itself",
                           to, flow->to_gpu);
        }
    }
}

static void keep_fuller(struct memory_use *fullest, size_t *fullest_turn, struct memory_use use,
                        size_t turn)
{
    if (memory_total_bytes(&use) > memory_total_bytes(fullest)) {
        *fullest = use;
        *fullest_turn = turn;
    }
}

/* The fullest moment of a conversation: the end of a turn's prefill, or of its answer. */
static void check_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct conversation *conversation = &scenario->conversation;
    struct memory_use fullest = {0};
    size_t fullest_turn = 0;
    uint64_t cached = conversation->cached_tokens;
    for (size_t i = 0; i < conversation->turn_count; i++) {
        const struct turn *turn = &conversation->turns[i];
        enum ring_variant variant =
            scenario_ring_answer(scenario, turn->prompt_tokens, cached).variant;
        keep_fuller(&fullest, &fullest_turn,
                    scenario_prefill_memory(scenario, turn->prompt_tokens, cached, variant), i);
        cached += turn->prompt_tokens + turn->output_tokens;
        /* The last token of the answer is a step like a prefill of one. */
        variant = scenario->layout.context > 1 ? RING_PASS_Q : RING_NONE;
        keep_fuller(&fullest, &fullest_turn,
                    scenario_prefill_memory(scenario, 1, cached - 1, variant), i);
    }
    double room = scenario->memory_fraction * scenario->gpu.memory_bytes;
    double missing = memory_total_bytes(&fullest) - room;
    if (missing > 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: does not fit the memory by %s a GPU: turn %zu needs %s of weights, "
                       "%s of KV cache and %s of activations, and %s of %s may be used "
                       "(memory.fraction); raise layout.tensor or layout.context, or lower the "
                       "precision",
                       quantity_bytes(missing).text, fullest_turn + 1,
                       quantity_bytes(fullest.weight_bytes).text,
                       quantity_bytes(fullest.kv_cache_bytes).text,
                       quantity_bytes(fullest.activation_bytes).text, quantity_bytes(room).text,
                       quantity_bytes(scenario->gpu.memory_bytes).text);
    }
}

void scenario_cross_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                          struct diagnostics *diagnostics)
{
    struct checker checker = {
        .scenario = scenario, .tree = tree, .arena = arena, .diagnostics = diagnostics};
    check_layers(&checker);
    check_super_weights(&checker);
    check_experts(&checker);
    check_placement(&checker);
    check_expert_layout(&checker);
    check_is_named(&checker, "gpu", "platforms/gpus");
    check_is_named(&checker, "software", "platforms/software");
    check_gpu(&checker, "gpu", &scenario->gpu);
    check_cluster(&checker);
    precision_check(scenario, tree, arena, diagnostics);
    check_workload(&checker);
    check_serving(&checker);
    context_check(&checker);
    check_background(&checker);
    check_effects(&checker);
    check_software(&checker);
    if (diagnostics_error_count(diagnostics) == 0 && scenario->workload == WORKLOAD_CONVERSATION) {
        check_memory(&checker); /* sums are only worth something when every part is known */
    } else if (diagnostics_error_count(diagnostics) == 0 &&
               scenario->workload == WORKLOAD_SERVING) {
        check_serving_memory(&checker);
    }
    check_training(&checker);
}
