/* SPDX-License-Identifier: MIT */
#include "sim/scenario/cross_checks.h"

#include "models/layers/layer_rows.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/expert_checks.h"
#include "sim/scenario/fault_checks.h"
#include "sim/scenario/gpu_checks.h"
#include "sim/scenario/pools.h"
#include "sim/scenario/precision_checks.h"
#include "sim/scenario/tables.h"
#include "sim/scenario/tenants.h"
#include "sim/scenario/workload_checks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct workload_checks *const workload_checks[WORKLOAD_KIND_COUNT] = {
    [WORKLOAD_CONVERSATION] = &conversation_checks,
    [WORKLOAD_SERVING] = &serving_checks,
    [WORKLOAD_TRAINING] = &training_checks,
};

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

bool is_written(const struct checker *checker, const char *path)
{
    const struct node *node = node_find(checker->tree, path);
    return node != NULL && node->origin != ORIGIN_DEFAULT;
}

bool is_default(const struct node *value, const char *path)
{
    const struct field *field = field_find_path(scenario_fields, path);
    return field != NULL && field->fallback != NULL && strcmp(field->fallback, value->text) == 0;
}

bool figures_alike(const char *name, const char *other)
{
    size_t i = 0;
    for (; name[i] != '\0' && other[i] != '\0'; i++) {
        bool alike = name[i] == other[i] ||
                     (strchr("-._", name[i]) != NULL && strchr("-._", other[i]) != NULL);
        if (!alike) {
            return false;
        }
    }
    return name[i] == other[i];
}

void check_input_file(const struct checker *checker, const char *path, const char *file)
{
    if (file == NULL || file[0] == '\0' || !is_known(checker, path) || access(file, R_OK) == 0) {
        return;
    }
    DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path), "%s: '%s' cannot be opened: %s",
                   path, file, strerror(errno));
}

static void check_attention(const struct checker *checker, const struct gqa *gqa)
{
    unsigned tensor = checker->scenario->layout.tensor;
    unsigned query_heads = gqa->query_heads, kv_heads = gqa->kv_heads;
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
    const struct node *tree = node_find(checker->tree, "cluster");
    bool is_mapping = tree != NULL && tree->kind == NODE_MAPPING;
    if (is_mapping && node_get(tree, "node_rate") == NULL) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "cluster"),
            "missing key 'cluster.node_rate': neither the cluster nor its GPU (link_rate) "
            "says how fast GPUs of a node are joined; expected a rate such as 450 GB/s");
    }
    if (is_mapping && node_get(tree, "connection_rate") == NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "cluster"),
                       "missing key 'cluster.connection_rate': expected a rate such as 36 GB/s, or "
                       "fabric: infiniband (or roce, efa, tcp)");
    }
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

/* The pools have been checked one by one; what is left is what all of them share. */
static void check_scenario_of_pools(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const char *path = "workload.service.policy";
    if (!is_known(checker, "workload")) {
        return;
    }
    if (scenario->workload != WORKLOAD_SERVING) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: only a service has replicas of two kinds; leave it out");
    } else if (scenario->serving.service.policy != BATCHING_DISAGGREGATED) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: with `pools` prompts and answers are computed by replicas of their "
                       "own; expected disaggregated, or nothing (a policy of the replicas that "
                       "prefill is pools.prefill.service.policy)",
                       path);
    } else if (scenario->pools[POOL_DECODE] != NULL &&
               diagnostics_error_count(checker->diagnostics) == 0) {
        check_pool_scenarios(checker);
        check_background(checker);
        check_faults(checker);
    }
}

void scenario_cross_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                          struct diagnostics *diagnostics)
{
    struct checker checker = {
        .scenario = scenario, .tree = tree, .arena = arena, .diagnostics = diagnostics};
    if (scenario->tenant_count > 0) {
        check_tenants(&checker);
        check_background(&checker);
        return;
    }
    if (node_get(tree, "pools") != NULL) {
        check_scenario_of_pools(&checker);
        return;
    }
    check_no_tenants(&checker);
    check_layers(&checker);
    check_super_weights(&checker);
    check_placement(&checker);
    check_expert_layout(&checker);
    check_is_named(&checker, "gpu", "platforms/gpus");
    check_is_named(&checker, "software", "platforms/software");
    check_gpu(&checker, "gpu", &scenario->gpu);
    check_cluster(&checker);
    precision_check(scenario, tree, arena, diagnostics);
    const struct workload_checks *own =
        is_known(&checker, "workload") ? workload_checks[scenario->workload] : NULL;
    if (own != NULL && own->check != NULL) {
        own->check(&checker);
    }
    check_background(&checker);
    check_effects(&checker);
    check_software(&checker);
    if (own != NULL && diagnostics_error_count(diagnostics) == 0) {
        own->check_sums(&checker);
    }
}

void scenario_check_layout(const struct scenario *scenario, struct node *tree, struct arena *arena,
                           struct diagnostics *diagnostics)
{
    struct checker checker = {
        .scenario = scenario, .tree = tree, .arena = arena, .diagnostics = diagnostics};
    check_layers(&checker);
    check_placement(&checker);
    check_expert_layout(&checker);
    if (diagnostics_error_count(diagnostics) == 0) {
        check_training_step(&checker);
    }
}
