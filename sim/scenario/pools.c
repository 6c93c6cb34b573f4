/* SPDX-License-Identifier: MIT */
#include "sim/scenario/pools.h"

#include "sim/config/dump.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/tables.h"

#include <string.h>

const char *const pool_names[POOL_COUNT] = {[POOL_PREFILL] = "prefill", [POOL_DECODE] = "decode"};

static const struct field pool_fields[] = {
    {.key = "layout",
     .kind = FIELD_KEYS,
     .fields = layout_fields,
     .doc = "How the model is spread over these replicas' GPUs; `data` of them."},
    {.key = "cluster",
     .kind = FIELD_KEYS,
     .fields = cluster_fields,
     .shorthand = "use",
     .folder = "platforms/clusters",
     .doc = "Nodes of their own, which begin where the other pool's end; the fabric between all is "
            "the scenario's cluster's."},
    {.key = "gpu",
     .kind = FIELD_KEYS,
     .fields = gpu_fields,
     .shorthand = "use",
     .folder = "platforms/gpus",
     .doc = "Another GPU, in nodes of its own."},
    {.key = "software",
     .kind = FIELD_KEYS,
     .fields = software_fields,
     .shorthand = "use",
     .folder = "platforms/software",
     .doc = "Another program, or the same set up otherwise (the exchange of experts)."},
    {.key = "precision",
     .kind = FIELD_KEYS,
     .fields = precision_fields,
     .shorthand = "preset",
     .presets = precision_presets,
     .doc = "Other formats; of the KV cache, which moves, both pools have the same."},
    {.key = "memory", .kind = FIELD_KEYS, .fields = memory_fields, .doc = "Use of GPU memory."},
    {.key = "service",
     .kind = FIELD_KEYS,
     .fields = service_fields,
     .doc = "The engine's settings, as workload.service: tokens of a step, sequences at once; of "
            "replicas that prefill the policy too (default: prefill-first)."},
    {0}};

const struct field pools_fields[] = {
    {.key = "prefill",
     .kind = FIELD_KEYS,
     .fields = pool_fields,
     .doc = "Replicas that compute prompts, and the first token."},
    {.key = "decode",
     .kind = FIELD_KEYS,
     .fields = pool_fields,
     .doc = "Replicas that compute the other tokens. A request's cache comes once one has room for "
            "its whole answer."},
    {0}};

/* --- reading --- */

/* What a pool says, without the names that stand for mappings; NULL: nothing, or wrong. */
static struct node *spell_out(const struct expansion *expansion, struct node *pools,
                              enum pool_kind pool)
{
    struct node *own = node_get(pools, pool_names[pool]);
    if (own == NULL || own->kind != NODE_MAPPING) {
        return NULL;
    }
    struct field_context context = {.arena = expansion->arena,
                                    .diagnostics = expansion->diagnostics};
    expand_shorthands(expansion->arena, pool_fields, own);
    fields_read(&context, pool_fields, own,
                arena_printf(expansion->arena, "pools.%s", pool_names[pool]), NULL);
    return node_copy(expansion->arena, own);
}

/* The keys of workload.service go where the scenario has them. */
static void move_service(struct arena *arena, struct node *own)
{
    struct node *service = node_take(own, "service");
    if (service != NULL) {
        struct node *workload = node_mapping(arena, service->mark, service->origin);
        node_put(arena, workload, "service", service->mark, service);
        node_put(arena, own, "workload", service->mark, workload);
    }
}

struct pool_trees pools_split(const struct expansion *expansion, struct node *root)
{
    struct arena *arena = expansion->arena;
    struct pool_trees split = {{NULL}};
    struct node *pools = node_get(root, "pools");
    if (pools == NULL || pools->kind != NODE_MAPPING) {
        return split;
    }
    struct field_context context = {.arena = arena, .diagnostics = expansion->diagnostics};
    fields_read(&context, pools_fields, pools, "pools", NULL);
    expand_shorthands(arena, scenario_fields, root);
    for (int i = 0; i < POOL_COUNT; i++) {
        struct node *own = spell_out(expansion, pools, (enum pool_kind)i);
        struct node *tree = node_copy(arena, root);
        node_take(tree, "pools");
        if (own != NULL) {
            move_service(arena, own);
            tree = node_overlay(arena, tree, own);
        }
        split.trees[i] = tree;
    }
    return split;
}

/* --- writing --- */

void pools_write_back(struct arena *arena, struct node *root, const struct pool_trees *pools)
{
    struct node *written = node_get(root, "pools");
    for (int i = 0; i < POOL_COUNT; i++) {
        struct node *own = node_mapping(arena, written->mark, ORIGIN_SCENARIO);
        for (const struct field *field = pool_fields; field->key != NULL; field++) {
            bool service = strcmp(field->key, "service") == 0;
            const char *path = service ? "workload.service" : field->key;
            struct node *of_pool = node_find(pools->trees[i], path);
            const struct node *of_all = node_find(root, path);
            if (of_pool != NULL &&
                (of_all == NULL ||
                 strcmp(dump_yaml(arena, field->fields, of_pool, DUMP_PLAIN),
                        dump_yaml(arena, field->fields, of_all, DUMP_PLAIN)) != 0)) {
                node_put(arena, own, field->key, of_pool->mark, of_pool);
            }
        }
        node_put(arena, written, pool_names[i], written->mark, own);
    }
}

/* --- checks --- */

static bool says(const struct checker *checker, enum pool_kind pool, const char *key)
{
    return node_find(checker->tree,
                     arena_printf(checker->arena, "pools.%s.%s", pool_names[pool], key)) != NULL;
}

/* Of one cluster, where neither has nodes of its own. */
static void check_room(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct cluster *cluster = &scenario->cluster;
    uint64_t there = (uint64_t)cluster->nodes * cluster->gpus_per_node;
    const struct pool_place last = scenario_pool(scenario, POOL_DECODE);
    uint64_t needed = last.first_gpu + (uint64_t)layout_gpus(&last.layout);
    bool own = says(checker, POOL_PREFILL, "cluster") || says(checker, POOL_DECODE, "cluster");
    if (!own && needed > there) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: need %llu GPUs (%u prefill, %u decode from GPU %u on), and the "
                       "cluster has %llu (%u nodes of %u); set cluster.nodes",
                       (unsigned long long)needed, layout_gpus(&scenario->pools[0]->layout),
                       layout_gpus(&last.layout), last.first_gpu, (unsigned long long)there,
                       cluster->nodes, cluster->gpus_per_node);
    }
}

static void check_nodes(const struct checker *checker)
{
    const struct cluster *prefill = &checker->scenario->pools[POOL_PREFILL]->cluster;
    const struct cluster *decode = &checker->scenario->pools[POOL_DECODE]->cluster;
    if (prefill->gpus_per_node != decode->gpus_per_node ||
        prefill->nics_per_node != decode->nics_per_node) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: nodes on one fabric have as many GPUs and network cards; those that "
                       "prefill have %u and %u, those that decode %u and %u",
                       prefill->gpus_per_node, prefill->nics_per_node, decode->gpus_per_node,
                       decode->nics_per_node);
    }
}

/* Who is turned away is turned away before the prefill. */
static void check_queues(const struct checker *checker)
{
    const struct service *of_all = &checker->scenario->serving.service;
    const struct service *of_decode = &checker->scenario->pools[POOL_DECODE]->serving.service;
    bool waits = of_decode->max_wait_seconds > of_all->max_wait_seconds ||
                 of_decode->max_wait_seconds < of_all->max_wait_seconds;
    if (waits || of_decode->max_waiting != of_all->max_waiting) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "pools.decode.service"),
            "pools.decode.service: `max_wait` and `max_waiting` are of the queues before "
            "the prefill; expected them in workload.service or pools.prefill.service");
    }
}

void check_pool_scenarios(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct scenario *prefill = scenario->pools[POOL_PREFILL];
    const struct scenario *decode = scenario->pools[POOL_DECODE];
    if (scenario->serving.service.prefill_replicas > 0) {
        const char *path = "workload.service.prefill_replicas";
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: with `pools` the numbers of replicas are pools.prefill.layout.data and "
                       "pools.decode.layout.data",
                       path);
    }
    check_room(checker);
    check_nodes(checker);
    check_queues(checker);
    const struct service *of_prefill = &prefill->serving.service;
    const struct service *of_decode = &decode->serving.service;
    if (of_prefill->proposer != scenario->serving.service.proposer ||
        of_decode->proposer != scenario->serving.service.proposer ||
        of_prefill->speculation.tokens != of_decode->speculation.tokens) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: who guesses has a cache that moves with the model's, so both pools "
                       "have it; expected `speculation` in workload.service alone");
    }
    enum format from = prefill->precision.kv_cache, to = decode->precision.kv_cache;
    if (from != to) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: caches move as they are, and are %s where they are filled, %s where "
                       "they are read; expected one precision.kv_cache",
                       format_name(from), format_name(to));
    }
}
