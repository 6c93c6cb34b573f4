/* SPDX-License-Identifier: MIT */
#include "sim/scenario/tenants.h"

#include "sim/base/quantity.h"
#include "sim/config/dump.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/tables.h"

#include <inttypes.h>
#include <string.h>

static const struct field tenant_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(tenant, name),
     .required = true,
     .doc = "What results call it."},
    {.key = "seed",
     .kind = FIELD_COUNT,
     .doc = "Of its requests. Default: the scenario's, and one more for each tenant before it."},
    {.key = "model",
     .kind = FIELD_KEYS,
     .fields = llm_fields,
     .shorthand = "use",
     .folder = "models/llm",
     .doc = "Another model, in place of the scenario's."},
    {.key = "software",
     .kind = FIELD_KEYS,
     .fields = software_fields,
     .shorthand = "use",
     .folder = "platforms/software",
     .doc = "Another program, or the same set up otherwise."},
    {.key = "layout",
     .kind = FIELD_KEYS,
     .fields = layout_fields,
     .doc = "How its model is spread over GPUs; `data` replicas of it."},
    {.key = "precision",
     .kind = FIELD_KEYS,
     .fields = precision_fields,
     .shorthand = "preset",
     .presets = precision_presets,
     .doc = "Other formats."},
    {.key = "memory",
     .kind = FIELD_KEYS,
     .fields = memory_fields,
     .doc = "Its share of each GPU's memory: `fraction` of it for weights, cache and activations. "
            "Tenants are on a GPU together where their shares are 1 at most."},
    {.key = "routing",
     .kind = FIELD_KEYS,
     .fields = routing_fields,
     .shorthand = "kind",
     .doc = "How its tokens go to its model's experts."},
    {.key = "workload",
     .kind = FIELD_KEYS,
     .fields = serving_fields,
     .doc = "Its requests, targets and service. A key that it leaves out is the scenario's; one "
            "that says its `kind` is said anew."},
    {0}};

const struct field tenant_item = {.kind = FIELD_MAPPING,
                                  .size = sizeof(struct tenant),
                                  .fields = tenant_fields,
                                  .doc = "A model with its requests. A key that it leaves out is "
                                         "the scenario's."};

static const struct choice sharing_choices[] = {SHARINGS(CHOICE_OF){0}};

static const struct choice cache_choices[] = {
    {.name = "drop", .value = SHARING_CACHE_DROP, .doc = "It is forgotten."},
    {.name = "host",
     .value = SHARING_CACHE_HOST,
     .doc = "It goes to the host's memory and comes back with the weights, all of it: a swap takes "
            "the longer by its bytes."},
    {0}};

const struct field sharing_fields[] = {
    {.key = "policy",
     .kind = FIELD_CHOICE,
     FIELD_AT(gpu_sharing, policy),
     .fallback = "apart",
     .choices = sharing_choices,
     .doc = "Who has which GPUs, and whose weights are there."},
    {.key = "idle",
     .kind = FIELD_SECONDS,
     FIELD_AT(gpu_sharing, idle_seconds),
     .max = 1e6,
     .fallback = "0 s",
     .doc = "swap: so long a model must have had nothing to do before it gives way."},
    {.key = "stay",
     .kind = FIELD_SECONDS,
     FIELD_AT(gpu_sharing, stay_seconds),
     .max = 1e6,
     .fallback = "0 s",
     .doc = "swap-drain: so long a model takes new requests after it has come, whoever waits."},
    {.key = "switch",
     .kind = FIELD_SECONDS,
     FIELD_AT(gpu_sharing, switch_seconds),
     .max = 1e6,
     .fallback = "0 s",
     .doc = "What a swap takes beside bytes over the host link: memory mapped anew, graphs."},
    {.key = "offload",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(gpu_sharing, offload),
     .fallback = "true",
     .doc = "Whether weights that go are copied to the host, as vLLM's sleep mode of level 1 does; "
            "else the host has kept them, and a swap takes one way."},
    {.key = "cache",
     .kind = FIELD_CHOICE,
     FIELD_AT(gpu_sharing, cache),
     .fallback = "drop",
     .choices = cache_choices,
     .doc = "What becomes of the prefix cache of a model that goes."},
    {0}};

/* --- reading --- */

static struct node *tenant_nodes(struct node *root)
{
    struct node *tenants = node_get(root, "tenants");
    return tenants != NULL && tenants->kind == NODE_LIST ? tenants : NULL;
}

/* Whether it has classes, all with arrivals of their own. */
static bool every_class_comes(const struct node *workload)
{
    const struct node *classes = node_get(workload, "classes");
    bool every = classes != NULL && classes->kind == NODE_LIST && classes->count > 0;
    for (size_t i = 0; every && i < classes->count; i++) {
        every = classes->items[i]->kind == NODE_MAPPING &&
                node_get(classes->items[i], "arrivals") != NULL;
    }
    return every;
}

/* What a tenant says anew is not laid over what the scenario says: another model, software of a
 * file, and whatever says its kind. */
static void make_way(struct node *tree, const struct node *own)
{
    static const char *const files[] = {"model", "software", NULL};
    for (size_t i = 0; files[i] != NULL; i++) {
        const struct node *said = node_get(own, files[i]);
        if (said != NULL && said->kind == NODE_MAPPING &&
            (i == 0 || node_get(said, "use") != NULL || node_get(said, "name") != NULL)) {
            node_take(tree, files[i]);
        }
    }
    const struct node *precision = node_get(own, "precision");
    if (precision != NULL && precision->kind == NODE_MAPPING &&
        node_get(precision, "preset") != NULL) {
        node_take(tree, "precision");
    }
    const struct node *workload = node_get(own, "workload");
    struct node *of_all = node_get(tree, "workload");
    bool both = workload != NULL && workload->kind == NODE_MAPPING && of_all != NULL &&
                of_all->kind == NODE_MAPPING;
    for (size_t i = 0; both && i < workload->count; i++) {
        const struct node_entry *entry = &workload->entries[i];
        if (entry->value->kind == NODE_MAPPING && node_get(entry->value, "kind") != NULL) {
            node_take(of_all, entry->key);
        }
    }
    if (both && node_get(workload, "arrivals") == NULL && every_class_comes(workload)) {
        node_take(of_all, "arrivals");
    }
    struct node *lengths = both ? node_get(of_all, "lengths") : NULL;
    const struct node *said = both ? node_get(workload, "lengths") : NULL;
    both = lengths != NULL && lengths->kind == NODE_MAPPING && said != NULL &&
           said->kind == NODE_MAPPING;
    for (size_t i = 0; both && i < said->count; i++) {
        node_take(lengths, said->entries[i].key);
    }
}

struct tenant_trees tenants_split(const struct expansion *expansion, struct node *root)
{
    struct arena *arena = expansion->arena;
    struct tenant_trees split = {NULL, 0};
    const struct node *tenants = tenant_nodes(root);
    if (tenants == NULL || tenants->count == 0) {
        return split;
    }
    expand_shorthands(arena, scenario_fields, root);
    split.trees = ARENA_ARRAY(arena, struct node *, tenants->count);
    for (size_t i = 0; i < tenants->count; i++) {
        struct node *item = tenants->items[i];
        struct node *tree = node_copy(arena, root);
        node_take(tree, "tenants");
        if (item->kind == NODE_MAPPING) {
            expand_shorthands(arena, tenant_fields, item);
            struct node *own = node_copy(arena, item);
            node_take(own, "name");
            make_way(tree, own);
            tree = node_overlay(arena, tree, own);
        }
        split.trees[split.count++] = tree;
    }
    return split;
}

void tenant_seed(struct arena *arena, struct node *tree, uint64_t seed)
{
    node_take(tree, "seed");
    const struct mark mark = {.file = "default"};
    node_put(arena, tree, "seed", mark,
             node_scalar(arena, arena_printf(arena, "%" PRIu64, seed), mark, ORIGIN_SCENARIO));
}

bool tenants_share_gpus(const struct scenario *scenario)
{
    return scenario->sharing.policy != SHARING_APART;
}

uint32_t tenant_first_gpu(const struct scenario *scenario, const struct scenario *tenant)
{
    bool first = tenant->tenant == 0 || tenants_share_gpus(scenario);
    return first ? 0
                 : scenario_first_gpu_after(scenario->tenants[tenant->tenant - 1].scenario, tenant);
}

/* --- writing --- */

static bool same_text(struct arena *arena, const struct field *field, const struct node *a,
                      const struct node *b)
{
    return strcmp(dump_yaml(arena, field->fields, a, DUMP_PLAIN),
                  dump_yaml(arena, field->fields, b, DUMP_PLAIN)) == 0;
}

void tenants_write_back(struct arena *arena, struct node *root, const struct tenant_trees *tenants)
{
    struct node *written = tenant_nodes(root);
    for (size_t i = 0; i < tenants->count; i++) {
        struct node *item = written->items[i];
        for (const struct field *field = tenant_fields; field->key != NULL; field++) {
            struct node *of_tenant = node_get(tenants->trees[i], field->key);
            const struct node *of_all = node_get(root, field->key);
            if (field->kind != FIELD_KEYS || of_tenant == NULL) {
                continue;
            }
            of_tenant = node_copy(arena, of_tenant);
            struct node *all = of_all == NULL ? NULL : node_copy(arena, of_all);
            node_take(of_tenant, "kind");
            if (all != NULL) {
                node_take(all, "kind");
            }
            node_take(item, field->key);
            if (all == NULL || !same_text(arena, field, of_tenant, all)) {
                node_put(arena, item, field->key, of_tenant->mark, of_tenant);
            }
        }
    }
}

/* --- checks --- */

static const char *path_of(const struct checker *checker, size_t index, const char *key)
{
    return arena_printf(checker->arena, "tenants.%zu.%s", index, key);
}

static void check_names(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (figures_alike(scenario->tenants[i].name, scenario->tenants[j].name)) {
                const char *path = path_of(checker, i, "name");
                DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                               "%s: '%s' is the name of tenant %zu, '%s' (in figures '-' and '.' "
                               "are '_'); give it another",
                               path, scenario->tenants[i].name, j, scenario->tenants[j].name);
            }
        }
    }
}

/* What no tenant may have yet. */
static void check_tenant(const struct checker *checker, size_t index)
{
    const struct scenario *of = checker->scenario->tenants[index].scenario;
    const struct service *service = &of->serving.service;
    const struct layout *layout = &of->layout;
    bool shares = tenants_share_gpus(checker->scenario);
    const struct {
        bool has;
        const char *what, *instead;
    } rows[] = {
        {service_has_tiers(service), "caches below the GPUs (service.tiers)", "leave them out"},
        {service->protection.kind != PROTECTION_NONE, "protected caches (service.protection)",
         "leave it out"},
        {service->scaling.target > 0.0, "replicas that come and go (service.scaling)",
         "sharing.policy swap lets them come and go between models"},
        {service->switching.policy != SWITCHING_NONE,
         "replicas that move between phases (service.switching)", "leave it out"},
        {of->serving.fault_count > 0 || of->serving.random_faults.mean_between_seconds > 0.0,
         "faults", "leave them out, or play each model alone"},
        {shares && service->policy == BATCHING_DISAGGREGATED,
         "a prefill and a decode pool on GPUs that it shares", "sharing.policy apart"},
        {shares && layout->pipeline > 1, "pipeline stages on GPUs that it shares",
         "layout.pipeline 1, or sharing.policy apart"},
        {shares && layout_attention_data(layout) > 1,
         "ranks with requests of their own on GPUs that it shares",
         "layout.attention_data 1, or sharing.policy apart"},
        {shares && service->finetuning.policy != FINETUNING_NONE,
         "adapters that are trained (service.finetuning) on GPUs that it shares",
         "sharing.policy apart"},
        {shares && service->adapters.max_adapters > 0, "adapters on GPUs that it shares",
         "sharing.policy apart"},
        {shares && serving_may_leave(&of->serving),
         "requests that may leave (timeout, cancel, max_wait, max_waiting) on GPUs that it shares",
         "leave those out, or sharing.policy apart"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].has) {
            const char *path = path_of(checker, index, "name");
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "tenants.%zu: '%s' has %s, which tenants cannot have yet; expected: %s",
                           index, checker->scenario->tenants[index].name, rows[i].what,
                           rows[i].instead);
        }
    }
}

static void check_room(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct cluster *cluster = &scenario->cluster;
    uint64_t there = (uint64_t)cluster->nodes * cluster->gpus_per_node;
    const struct scenario *last = scenario->tenants[scenario->tenant_count - 1].scenario;
    uint64_t needed = last->first_gpu + (uint64_t)layout_gpus(&last->layout);
    if (needed > there) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "tenants"),
                       "tenants: need %" PRIu64 " GPUs, one tenant's after the other's, and the "
                       "cluster has %" PRIu64 " (%u nodes of %u); set cluster.nodes, or "
                       "sharing.policy",
                       needed, there, cluster->nodes, cluster->gpus_per_node);
    }
}

/* Of tenants on the same GPUs. */
static void check_replicas(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct layout *first = &scenario->tenants[0].scenario->layout;
    for (size_t i = 1; i < scenario->tenant_count; i++) {
        const struct layout *own = &scenario->tenants[i].scenario->layout;
        if (own->data != first->data || layout_gpus(own) != layout_gpus(first)) {
            const char *path = path_of(checker, i, "layout");
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: %u replicas on %u GPUs, and '%s' has %u on %u; tenants that share "
                           "GPUs have as many replicas of as many GPUs",
                           path, own->data, layout_gpus(own), scenario->tenants[0].name,
                           first->data, layout_gpus(first));
        }
    }
}

static void check_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    double sum = 0.0, most = scenario->tenants[0].scenario->gpu.memory_bytes;
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        sum += tenant_gpu_bytes(scenario->tenants[i].scenario);
    }
    if (scenario->sharing.policy == SHARING_RESIDENT && sum > most * (1.0 + 1e-9)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "sharing.policy"),
                       "sharing.policy: resident tenants have the GPU's memory together: they take "
                       "%s of %s; lower memory.fraction of each (%.2f for equal shares), or "
                       "expected swap",
                       quantity_bytes(sum).text, quantity_bytes(most).text,
                       0.999 / (double)scenario->tenant_count);
    }
}

/* SGLang's tree of prefixes forgets what was retracted when a replica closes. */
static void check_cache(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const struct service *service = &scenario->tenants[i].scenario->serving.service;
        if (scenario->sharing.cache == SHARING_CACHE_HOST && service->policy == BATCHING_SGLANG) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "sharing.cache"),
                           "sharing.cache: '%s' has SGLang's prefix cache, which cannot be kept in "
                           "the host yet; expected drop",
                           scenario->tenants[i].name);
        }
    }
}

static void check_sharing_keys(const struct checker *checker)
{
    enum sharing_kind policy = checker->scenario->sharing.policy;
    bool swaps = policy == SHARING_SWAP || policy == SHARING_SWAP_DRAIN;
    const struct {
        const char *path;
        bool read;
        const char *by;
    } keys[] = {
        {"sharing.idle", policy == SHARING_SWAP, "the policy 'swap'"},
        {"sharing.stay", policy == SHARING_SWAP_DRAIN, "the policy 'swap-drain'"},
        {"sharing.switch", swaps, "policies that swap weights"},
        {"sharing.offload", swaps, "policies that swap weights"},
        {"sharing.cache", swaps, "policies that swap weights"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct node *value = node_find(checker->tree, keys[i].path);
        if (!keys[i].read && value != NULL && is_written(checker, keys[i].path) &&
            !is_default(value, keys[i].path)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, keys[i].path),
                           "%s: only %s read%s it; leave it out", keys[i].path, keys[i].by,
                           i < 2 ? "s" : "");
        }
    }
}

void check_no_tenants(const struct checker *checker)
{
    const char *path = "sharing.policy";
    if (!checker->scenario->is_tenant && tenants_share_gpus(checker->scenario)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: one model shares its GPUs with nobody; leave it out, or say `tenants`",
                       path);
    }
}

void check_tenants(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (scenario->workload != WORKLOAD_SERVING) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "tenants"),
                       "tenants: only a service has several models; leave them out");
        return;
    }
    if (node_get(checker->tree, "pools") != NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "pools"),
                       "pools: tenants have no pools that are set up in their own ways yet; "
                       "expected service.prefill_replicas, or one model");
        return;
    }
    if (diagnostics_error_count(checker->diagnostics) > 0 ||
        scenario->tenants[scenario->tenant_count - 1].scenario == NULL) {
        return;
    }
    check_names(checker);
    check_cache(checker);
    check_sharing_keys(checker);
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        check_tenant(checker, i);
    }
    if (diagnostics_error_count(checker->diagnostics) == 0 && tenants_share_gpus(scenario)) {
        check_replicas(checker);
        check_memory(checker);
    } else if (!tenants_share_gpus(scenario)) {
        check_room(checker);
    }
}
