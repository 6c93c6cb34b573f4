/* SPDX-License-Identifier: MIT */
#include "sim/scenario/cross_checks.h"

#include <stdio.h>
#include <string.h>

struct checker {
    const struct scenario *scenario;
    struct node *tree;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

/* Where the value at a path was written; for a default, where its mapping (or the file) begins. */
static struct mark mark_of(const struct checker *checker, const char *path)
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

static void check_heads(const struct checker *checker)
{
    const struct llm *llm = &checker->scenario->llm;
    unsigned tensor = checker->scenario->layout.tensor;
    unsigned query_heads = llm->query_heads, kv_heads = llm->kv_heads;
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

static void check_placement(const struct checker *checker)
{
    const struct layout *layout = &checker->scenario->layout;
    const struct cluster *cluster = &checker->scenario->cluster;
    double needed = (double)layout->tensor * layout->context * layout->pipeline * layout->data;
    double there = (double)cluster->nodes * cluster->gpus_per_node;
    if (needed > 0.0 && there > 0.0 && needed > there) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: needs %.0f GPUs (tensor %u x context %u x pipeline %u x data %u), "
                       "and the cluster has %.0f (%u nodes of %u); set cluster.nodes",
                       needed, layout->tensor, layout->context, layout->pipeline, layout->data,
                       there, cluster->nodes, cluster->gpus_per_node);
    }
    unsigned tensor = layout->tensor, node = cluster->gpus_per_node;
    if (tensor > 0 && node > 0 && tensor % node != 0 && node % tensor != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.tensor"),
                       "layout.tensor: %u neither divides the %u GPUs of a node nor fills whole "
                       "nodes",
                       tensor, node);
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

static void check_number(const struct checker *checker, const char *path, struct number number)
{
    bool narrow = format_bytes(number.format) < 2.0;
    bool scaled = number.scaling != SCALING_NONE;
    if (narrow != scaled) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       narrow ? "%s: %s needs 'scaling: tensor' or 'scaling: row'"
                              : "%s: %s takes no scaling",
                       path, format_name(number.format));
    }
}

static void check_precision(const struct checker *checker)
{
    const struct precision *precision = &checker->scenario->precision;
    check_number(checker, "precision.attention_weights", precision->attention_weights);
    check_number(checker, "precision.ffn_weights", precision->ffn_weights);
    check_number(checker, "precision.embedding", precision->embedding);
    unsigned layers = checker->scenario->llm.layers;
    if (layers > 0 && 2 * precision->edge_layers_high > layers) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "precision.edge_layers_high"),
                       "precision.edge_layers_high: %u first and %u last are more than the model's "
                       "%u layers",
                       precision->edge_layers_high, precision->edge_layers_high, layers);
    }
}

static void check_workload(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct node *workload = node_get(checker->tree, "workload");
    bool is_conversation = workload != NULL && scenario->workload == WORKLOAD_CONVERSATION;
    if (is_conversation && scenario->layout.pipeline > 1) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "layout.pipeline"),
            "layout.pipeline: must be 1 for a conversation; to share the layers over more "
            "GPUs, raise tensor");
    }
}

static void check_background(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    uint64_t gpus = (uint64_t)scenario->cluster.nodes * scenario->cluster.gpus_per_node;
    for (size_t i = 0; i < scenario->background_count && gpus > 0; i++) {
        const struct background_flow *flow = &scenario->background[i];
        for (int end = 0; end < 2; end++) {
            const char *key = end == 0 ? "from" : "to";
            unsigned gpu = end == 0 ? flow->from_gpu : flow->to_gpu;
            const char *path = arena_printf(checker->arena, "background.%zu.%s", i, key);
            if (gpu >= gpus) {
                DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                               "%s: there is no GPU %u; the cluster's are 0 to %llu", path, gpu,
                               (unsigned long long)gpus - 1);
            }
        }
        if (flow->bytes > 0.0 && flow->from_gpu == flow->to_gpu) {
            const char *path = arena_printf(checker->arena, "background.%zu.to", i);
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: GPU %u sends to itself", path, flow->to_gpu);
        }
    }
}

void scenario_cross_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                          struct diagnostics *diagnostics)
{
    struct checker checker = {
        .scenario = scenario, .tree = tree, .arena = arena, .diagnostics = diagnostics};
    check_heads(&checker);
    check_placement(&checker);
    check_cluster(&checker);
    check_precision(&checker);
    check_workload(&checker);
    check_background(&checker);
}
