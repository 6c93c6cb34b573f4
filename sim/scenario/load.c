/* SPDX-License-Identifier: MIT */
#include "sim/scenario/load.h"

#include "sim/base/file.h"
#include "sim/config/dump.h"
#include "sim/scenario/classes.h"
#include "sim/scenario/cross_checks.h"
#include "sim/scenario/document_lengths.h"
#include "sim/scenario/engine_defaults.h"
#include "sim/scenario/expand.h"
#include "sim/scenario/expert_loads.h"
#include "sim/scenario/gpu_checks.h"
#include "sim/scenario/llm_finish.h"
#include "sim/scenario/notes.h"
#include "sim/scenario/pools.h"
#include "sim/scenario/proposers.h"
#include "sim/scenario/schedule_file.h"
#include "sim/scenario/tables.h"
#include "sim/scenario/tenants.h"

#include <stdio.h>
#include <string.h>

/* A file that SimGrid cannot read would end the program later, without a sentence. */
static void check_input_files(const struct scenario *scenario, struct node *tree,
                              struct diagnostics *diagnostics)
{
    const struct node *xml = node_find(tree, "platform.xml");
    if (xml == NULL || scenario->platform_xml == NULL) {
        return;
    }
    bool there = file_is_regular(scenario->platform_xml);
    FILE *stream = there ? fopen(scenario->platform_xml, "rb") : NULL;
    if (stream == NULL) {
        DIAGNOSE_ERROR(diagnostics, xml->mark, "platform.xml: '%.200s' cannot be read",
                       scenario->platform_xml);
        return;
    }
    fclose(stream);
}

/* A scenario, laid over the one that it says with `use:`. NULL after an error. */
static struct node *read_scenario_file(const struct expansion *expansion, const char *path,
                                       unsigned depth)
{
    enum { DEEPEST = 8 };
    struct arena *arena = expansion->arena;
    struct node *root = expand_read_file(expansion, path, ORIGIN_SCENARIO);
    const struct node *use = root == NULL ? NULL : node_take(root, "use");
    if (use == NULL) {
        return root;
    }
    if (use->kind != NODE_SCALAR || use->text[0] == '\0' || depth == DEEPEST) {
        DIAGNOSE_ERROR(expansion->diagnostics, use->mark,
                       "use: expected the path of the scenario that this one changes%s",
                       depth == DEEPEST ? "; do they use each other?" : "");
        return NULL;
    }
    struct node *base =
        read_scenario_file(expansion, file_beside(arena, path, use->text), depth + 1);
    if (base == NULL) {
        return NULL;
    }
    expand_shorthands(arena, scenario_fields, base);
    expand_shorthands(arena, scenario_fields, root);
    return node_overlay(arena, base, root);
}

static void lay_over(const struct expansion *expansion, struct node *root,
                     const struct override *overrides, size_t override_count)
{
    for (size_t i = 0; i < override_count; i++) {
        if (overrides[i].text != NULL) {
            expand_set(expansion, scenario_fields, root, overrides[i].text);
        } else {
            expand_put(expansion, scenario_fields, root, overrides[i].key,
                       node_copy(expansion->arena, overrides[i].value));
        }
    }
}

/* Whether an override changes what a title may name, and none says a new one. */
static bool outdates_title(const struct override *overrides, size_t count)
{
    static const char *const named[] = {"model",  "cluster", "gpu",       "software",
                                        "layout", "context", "precision", "workload"};
    bool changes = false;
    for (size_t i = 0; i < count; i++) {
        const char *path = overrides[i].text != NULL ? overrides[i].text : overrides[i].key;
        size_t length = strcspn(path, ".=");
        if (length == strlen("title") && strncmp(path, "title", length) == 0) {
            return false;
        }
        for (size_t k = 0; k < sizeof named / sizeof *named; k++) {
            changes |= length == strlen(named[k]) && strncmp(path, named[k], length) == 0;
        }
    }
    return changes;
}

/* A title that the file wrote and that --set may have made untrue says so. */
static void mark_title(struct arena *arena, struct node *root)
{
    const struct node_entry *entry = node_entry(root, "title");
    if (entry->value->kind == NODE_SCALAR && entry->value->origin == ORIGIN_SCENARIO) {
        entry->value->text = arena_printf(arena, "%s (changed by --set)", entry->value->text);
    }
}

/* A pipeline's order in a file of its own says how many parts a stage has. */
static void read_schedule(struct arena *arena, struct scenario *scenario,
                          struct diagnostics *diagnostics)
{
    struct training_workload *training = &scenario->training;
    if (scenario->workload != WORKLOAD_TRAINING || training->schedule_path == NULL) {
        return;
    }
    training->schedule_file = schedule_file_read(arena, training->schedule_path, diagnostics);
    if (training->schedule_file != NULL && training->virtual_stages == 1) {
        training->virtual_stages = training->schedule_file->chunks;
    }
}

static void read_documents(struct arena *arena, struct node *root, struct scenario *scenario,
                           struct diagnostics *diagnostics)
{
    struct documents *documents = &scenario->training.documents;
    const char *path = "workload.documents.file";
    if (scenario->workload != WORKLOAD_TRAINING || documents->path == NULL) {
        return;
    }
    if (documents->mean_tokens > 0.0) {
        DIAGNOSE_ERROR(diagnostics, node_find(root, path)->mark,
                       "%s: a file says every length, and documents.mean a mean; leave one of them "
                       "out",
                       path);
        return;
    }
    documents->lengths = document_lengths_read(arena, documents->path, diagnostics);
    documents->mean_tokens = documents->lengths != NULL ? documents->lengths->mean_tokens : 0.0;
}

/* Every value by its own row; what values mean together is for the cross checks. */
static void read_values(const struct expansion *expansion, const char *path, struct node *root,
                        const struct override *overrides, size_t override_count,
                        struct scenario *scenario)
{
    struct arena *arena = expansion->arena;
    expand_scenario(expansion, scenario_fields, root);
    classes_inherit(arena, root);
    speculation_expand(root);
    if (node_get(root, "title") == NULL) {
        struct mark mark = {.file = "default"};
        node_put(arena, root, "title", mark,
                 node_scalar(arena, file_stem(arena, path), mark, ORIGIN_DEFAULT));
    }
    if (outdates_title(overrides, override_count)) {
        mark_title(arena, root);
    }
    struct field_context context = {.arena = arena,
                                    .diagnostics = expansion->diagnostics,
                                    .root = scenario_fields,
                                    .aliases = scenario_aliases};
    fields_read(&context, scenario_fields, root, "", scenario);
    const struct node *model = node_get(root, "model");
    if (model != NULL && model->kind == NODE_MAPPING) {
        llm_finish(&context, model, "model", &scenario->llm);
    }
    speculation_finish(&context, root, scenario);
    classes_finish(root, &scenario->serving);
    engine_defaults(arena, root, scenario);
    read_schedule(arena, scenario, expansion->diagnostics);
    read_documents(arena, root, scenario, expansion->diagnostics);
}

const struct node *scenario_read_values(struct arena *arena, const char *path,
                                        const struct override *overrides, size_t override_count,
                                        struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    struct node *root = read_scenario_file(&expansion, path, 0);
    if (root != NULL) {
        lay_over(&expansion, root, overrides, override_count);
        pools_split(&expansion, root);
        tenants_split(&expansion, root);
        read_values(&expansion, path, root, overrides, override_count,
                    ARENA_NEW(arena, struct scenario));
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : root;
}

/* Each pool as a scenario of its own, checks included. */
static void read_pools(const struct expansion *expansion, const char *path,
                       const struct pool_trees *pools, struct scenario *scenario)
{
    for (int i = 0; i < POOL_COUNT; i++) {
        struct scenario *pool = ARENA_NEW(expansion->arena, struct scenario);
        pool->is_pool = true;
        pool->pool = (enum pool_kind)i;
        read_values(expansion, path, pools->trees[i], NULL, 0, pool);
        expert_loads_read(expansion->arena, pools->trees[i], pool, expansion->diagnostics);
        scenario_cross_check(pool, pools->trees[i], expansion->arena, expansion->diagnostics);
        scenario->pools[i] = pool;
    }
    const struct scenario *first = scenario->pools[POOL_PREFILL];
    scenario->serving.pools_refuse = service_refuses(&first->serving.service);
}

/* Each tenant likewise, and where its GPUs lie. */
static void read_tenants(const struct expansion *expansion, const char *path, struct node *root,
                         const struct tenant_trees *tenants, struct scenario *scenario)
{
    for (size_t i = 0; i < tenants->count; i++) {
        struct scenario *tenant = ARENA_NEW(expansion->arena, struct scenario);
        struct node *tree = tenants->trees[i];
        if (node_find(root, arena_printf(expansion->arena, "tenants.%zu.seed", i)) == NULL) {
            tenant_seed(expansion->arena, tree, scenario->seed + i);
        }
        tenant->is_tenant = true;
        tenant->tenant = (uint32_t)i;
        read_values(expansion, path, tree, NULL, 0, tenant);
        expert_loads_read(expansion->arena, tree, tenant, expansion->diagnostics);
        scenario_cross_check(tenant, tree, expansion->arena, expansion->diagnostics);
        tenant->tree = tree;
        tenant->first_gpu = tenant_first_gpu(scenario, tenant);
        scenario->tenants[i].scenario = tenant;
    }
}

/* From the tree as it was written; NULL after at least one error. */
static struct scenario *resolve(const struct expansion *expansion, const char *path,
                                struct node *root, const struct override *overrides,
                                size_t override_count, size_t errors_before)
{
    struct arena *arena = expansion->arena;
    struct diagnostics *diagnostics = expansion->diagnostics;
    struct scenario *scenario = ARENA_NEW(arena, struct scenario);
    scenario->layout_is_open = expansion->layout_is_open;
    lay_over(expansion, root, overrides, override_count);
    struct pool_trees pools = pools_split(expansion, root);
    struct tenant_trees tenants = tenants_split(expansion, root);
    read_values(expansion, path, root, overrides, override_count, scenario);
    bool fine = diagnostics_error_count(diagnostics) == errors_before;
    if (tenants.count > 0 && fine && scenario->workload == WORKLOAD_SERVING &&
        pools.trees[0] == NULL) {
        read_tenants(expansion, path, root, &tenants, scenario);
    } else if (pools.trees[0] != NULL && diagnostics_error_count(diagnostics) == errors_before) {
        read_pools(expansion, path, &pools, scenario);
    } else if (diagnostics_error_count(diagnostics) == errors_before) {
        expert_loads_read(arena, root, scenario, diagnostics);
    }
    scenario_cross_check(scenario, root, arena, diagnostics);
    check_input_files(scenario, root, diagnostics);
    if (diagnostics_error_count(diagnostics) > errors_before) {
        return NULL;
    }
    if (pools.trees[0] != NULL) {
        pools_write_back(arena, root, &pools);
    }
    tenants_write_back(arena, root, &tenants);
    scenario_note(scenario, root, arena, diagnostics);
    scenario->tree = root;
    return scenario;
}

const char *scenario_yaml(struct arena *arena, const struct scenario *scenario)
{
    return dump_yaml(arena, scenario_fields, scenario->tree, DUMP_PLAIN);
}

static const struct scenario *load(const struct expansion *expansion, const char *path,
                                   const struct override *overrides, size_t override_count,
                                   struct node **tree)
{
    size_t errors_before = diagnostics_error_count(expansion->diagnostics);
    *tree = read_scenario_file(expansion, path, 0);
    return *tree == NULL
               ? NULL
               : resolve(expansion, path, *tree, overrides, override_count, errors_before);
}

static bool resolve_into(const struct expansion *expansion, const char *path,
                         const struct override *overrides, size_t override_count,
                         struct resolved_scenario *resolved)
{
    struct node *root = NULL;
    const struct scenario *scenario = load(expansion, path, overrides, override_count, &root);
    *resolved = (struct resolved_scenario){.scenario = scenario, .tree = root};
    return scenario != NULL;
}

bool scenario_resolve(struct arena *arena, const char *path, const struct override *overrides,
                      size_t override_count, struct diagnostics *diagnostics,
                      struct resolved_scenario *resolved)
{
    const struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    return resolve_into(&expansion, path, overrides, override_count, resolved);
}

bool scenario_resolve_open(struct arena *arena, const char *path, const struct override *overrides,
                           size_t override_count, struct diagnostics *diagnostics,
                           struct resolved_scenario *resolved)
{
    const struct expansion expansion = {
        .arena = arena, .diagnostics = diagnostics, .layout_is_open = true};
    return resolve_into(&expansion, path, overrides, override_count, resolved);
}

const struct scenario *scenario_of_text(struct arena *arena, const char *name, const char *text,
                                        struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    struct node *root =
        yaml_tree_parse(arena, text, strlen(text), name, ORIGIN_SCENARIO, diagnostics);
    return root == NULL || root->kind != NODE_MAPPING
               ? NULL
               : resolve(&expansion, name, root, NULL, 0, errors_before);
}

const struct scenario *scenario_load(struct arena *arena, const char *path,
                                     const struct override *overrides, size_t override_count,
                                     struct diagnostics *diagnostics)
{
    return scenario_load_kept(NULL, arena, path, overrides, override_count, diagnostics);
}

const struct scenario *scenario_load_kept(struct kept_files *files, struct arena *arena,
                                          const char *path, const struct override *overrides,
                                          size_t override_count, struct diagnostics *diagnostics)
{
    const struct expansion expansion = {.arena = arena, .diagnostics = diagnostics, .files = files};
    struct node *root = NULL;
    return load(&expansion, path, overrides, override_count, &root);
}

const struct node *data_file_resolve(struct arena *arena, const char *key, const char *path,
                                     const struct override *overrides, size_t override_count,
                                     void *object, struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    const struct field *field = field_find_path(scenario_fields, key);
    struct node *root = expand_data_file(&expansion, field, path);
    if (root == NULL || root->kind != NODE_MAPPING) {
        return NULL;
    }
    /* As in a scenario that holds nothing but the file. */
    struct node *around = node_mapping(arena, root->mark, ORIGIN_SCENARIO);
    node_put(arena, around, key, root->mark, root);
    for (size_t i = 0; i < override_count; i++) {
        size_t length = strlen(key);
        const char *text = overrides[i].text;
        if (strncmp(text, key, length) == 0 && text[length] == '.') {
            expand_set(&expansion, scenario_fields, around, text);
        } else {
            struct mark mark = {.file = arena_printf(arena, "--set %s", text)};
            DIAGNOSE_ERROR(diagnostics, mark, "only keys of %s can be set here, as %s.KEY=VALUE",
                           key, key);
        }
    }
    struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    /* What a cluster names is read with the scenario, not with the cluster. */
    node_take(root, "gpu");
    node_take(root, "software");
    if (field->fields == llm_fields) {
        node_take(root, "precision");
    }
    if (field->fields == llm_fields) { /* a key without a default leaves its member alone */
        *(struct llm *)object = (struct llm){.name = NULL};
    }
    fields_read(&context, field->fields, root, key, object);
    if (field->fields == llm_fields) {
        llm_finish(&context, root, key, object);
    }
    if (strcmp(key, "gpu") == 0) {
        const struct checker checker = {.tree = around, .arena = arena, .diagnostics = diagnostics};
        check_gpu(&checker, key, object);
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : root;
}

const struct node *data_file_load(struct arena *arena, const char *key, const char *path,
                                  void *object, struct diagnostics *diagnostics)
{
    return data_file_resolve(arena, key, path, NULL, 0, object, diagnostics);
}

const char *data_file_find(struct arena *arena, const char *key, const char *name,
                           struct diagnostics *diagnostics)
{
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    const struct mark mark = {.file = name};
    return expand_find_file(&expansion, field_find_path(scenario_fields, key),
                            node_scalar(arena, name, mark, ORIGIN_SET));
}

struct node *file_read_values(struct arena *arena, const char *path, const struct field *fields,
                              void *object, struct diagnostics *diagnostics)
{
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    struct node *root = expand_read_file(&expansion, path, ORIGIN_SCENARIO);
    if (root != NULL) {
        fields_read(&context, fields, root, "", object);
    }
    return root;
}

const char *scenario_difference(struct arena *arena, const char *base, const char *title,
                                const struct override *overrides, size_t override_count,
                                struct diagnostics *diagnostics)
{
    struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    struct mark mark = {.file = base};
    struct node *root = node_mapping(arena, mark, ORIGIN_SCENARIO);
    const char *const heads[][2] = {{"schema", "1"}, {"use", base}, {"title", title}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        node_put(arena, root, heads[i][0], mark,
                 node_scalar(arena, heads[i][1], mark, ORIGIN_SCENARIO));
    }
    lay_over(&expansion, root, overrides, override_count);
    return dump_tree(arena, root);
}
