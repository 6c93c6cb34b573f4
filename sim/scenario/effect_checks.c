/* SPDX-License-Identifier: MIT
 * A key that has no effect in the scenario's kind of workload is a mistake. Only what the scenario
 * or --set says is looked at: files of models and platforms serve every kind. A value that is the
 * default says nothing; `cpsim show` prints it. */
#include "sim/scenario/tables.h"
#include "sim/scenario/workload_checks.h"

#define CONVERSATION (1U << WORKLOAD_CONVERSATION)
#define SERVING (1U << WORKLOAD_SERVING)
#define TRAINING (1U << WORKLOAD_TRAINING)

static bool starts_cold(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING && scenario->serving.service.scaling.target > 0.0;
}

/* Keys, or mappings of keys, that not every kind reads. */
static const struct effect {
    const char *path;
    unsigned kinds;                                /* that it changes */
    const char *advice;                            /* what to write in its place; NULL: nothing */
    bool (*also)(const struct scenario *scenario); /* of other kinds, those that it changes */
} effects[] = {
    {"jitter", SERVING | TRAINING, NULL, NULL},
    {"gpu.jitter", SERVING | TRAINING, NULL, NULL},
    {"quality", CONVERSATION, NULL, NULL},
    {"attention", CONVERSATION | SERVING, "workload.context_exchange", NULL},
    {"layout.attention_data", CONVERSATION | SERVING, "layout.data and layout.expert", NULL},
    {"routing.placement", CONVERSATION | SERVING, NULL, NULL},
    {"routing.redundant", CONVERSATION | SERVING, NULL, NULL},
    {"routing.nearest", CONVERSATION | SERVING, NULL, NULL},
    {"precision.kv_cache", CONVERSATION | SERVING, NULL, NULL},
    {"memory.static_fraction", SERVING, "memory.fraction", NULL},
    {"memory.free_fraction", SERVING, "memory.fraction", NULL},
    {"precision.gradients", TRAINING, NULL, NULL},
    {"precision.master_weights", TRAINING, NULL, NULL},
    {"precision.first_moment", TRAINING, NULL, NULL},
    {"precision.second_moment", TRAINING, NULL, NULL},
    {"precision.gradient_reduce", TRAINING, NULL, NULL},
    {"precision.weight_gather", TRAINING, NULL, NULL},
    {"cluster.storage_rate", TRAINING, NULL, starts_cold},
    {"cluster.sites", TRAINING, NULL, NULL},
    {"cluster.host_memory", TRAINING, NULL, NULL},
    {"cluster.host_both_share", TRAINING, NULL, NULL},
    {"cluster.node_storage_rate", TRAINING, NULL, starts_cold},
    {"software.training", TRAINING, NULL, NULL},
    {"software.paged_efficiency", CONVERSATION | SERVING, NULL, NULL},
    {"software.prefill_graph", CONVERSATION | SERVING, NULL, NULL},
    {"software.decode_graph", CONVERSATION | SERVING, NULL, NULL},
    {"software.piecewise_tokens", CONVERSATION | SERVING, NULL, NULL},
    {"software.piecewise_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.prefill_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.ring_step", CONVERSATION | SERVING, NULL, NULL},
    {"software.cached_prefill", CONVERSATION | SERVING, NULL, NULL},
    {"software.mixed_decode_efficiency", SERVING, NULL, NULL},
    {"software.hand_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.decode_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.latent_decode_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.decode_ring", CONVERSATION | SERVING, NULL, NULL},
    {"software.decode_kv_splits", CONVERSATION | SERVING, NULL, NULL},
    {"software.step", CONVERSATION | SERVING, NULL, NULL},
    {"software.step_sequence", CONVERSATION | SERVING, NULL, NULL},
    {"software.schedules_ahead", SERVING, NULL, NULL},
    {"software.policy", SERVING, "workload.service.policy", NULL},
    {"software.estimate", SERVING, NULL, NULL},
    {"software.adapters", SERVING, NULL, NULL},
    {"software.loop", SERVING, NULL, NULL},
    {"software.experts_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.narrow_experts_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.append_token", CONVERSATION | SERVING, NULL, NULL},
    {"software.latent_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.shared_experts_layer", CONVERSATION | SERVING, NULL, NULL},
    {"software.graphs", CONVERSATION | SERVING, NULL, NULL},
    {"software.request", SERVING, NULL, NULL},
    {"software.answer_sequence", SERVING, NULL, NULL},
    {"trace.operators", CONVERSATION | SERVING, NULL, NULL},
    {"trace.requests", SERVING, NULL, NULL},
    {"trace.steps", SERVING, NULL, NULL},
    {"trace.sample_interval", CONVERSATION | SERVING, NULL, NULL},
};

/* Whether a text of the scenario's kind says every value below the node: what `cpsim show` prints
 * does, and asks for none of them. */
static bool says_all(const struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        return node->origin == ORIGIN_SCENARIO || node->origin == ORIGIN_SET;
    }
    bool all = true;
    for (size_t i = 0; node->kind == NODE_MAPPING && i < node->count && all; i++) {
        all = says_all(node->entries[i].value);
    }
    return all;
}

/* The first scalar below the path that the scenario itself says, and that is not the default; NULL:
 * none. `*said` gets its path. */
static const struct node *said_below(const struct checker *checker, bool resolved,
                                     const struct node *node, const char *path, const char **said)
{
    if (node->kind == NODE_SCALAR) {
        bool own = node->origin == ORIGIN_SET || (node->origin == ORIGIN_SCENARIO && !resolved);
        *said = path;
        return own && node->accepted && !is_default(node, path) ? node : NULL;
    }
    const struct node *found = NULL;
    for (size_t i = 0; node->kind == NODE_MAPPING && i < node->count && found == NULL; i++) {
        found = said_below(checker, resolved, node->entries[i].value,
                           arena_join(checker->arena, path, ".", node->entries[i].key), said);
    }
    return found;
}

static void check_effect(const struct checker *checker, bool resolved, const struct effect *effect)
{
    const struct node *node = node_find(checker->tree, effect->path);
    enum workload_kind kind = checker->scenario->workload;
    if (node == NULL || (effect->kinds >> kind & 1U) != 0 ||
        (effect->also != NULL && effect->also(checker->scenario))) {
        return;
    }
    const char *path = effect->path;
    const struct node *said = said_below(checker, resolved, node, effect->path, &path);
    if (said != NULL) {
        bool advised = effect->advice != NULL;
        DIAGNOSE_ERROR(
            checker->diagnostics, said->mark, "%s: has no effect on %s; leave it out%s%s", path,
            workload_checks[kind]->name, advised ? ", or say " : "", advised ? effect->advice : "");
    }
}

/* Of a GPU's memory one share counts. */
static void check_fractions(const struct checker *checker, bool resolved)
{
    const struct scenario *scenario = checker->scenario;
    const struct node *whole = node_find(checker->tree, "memory.fraction");
    bool is_static = scenario->memory_static_fraction > 0.0;
    bool is_free = scenario->memory_free_fraction > 0.0;
    const char *said = NULL;
    if (is_static && is_free) {
        DIAGNOSE_ERROR(checker->diagnostics, node_find(checker->tree, "memory.free_fraction")->mark,
                       "memory.free_fraction: has no effect beside static_fraction; leave one of "
                       "them out");
    }
    if ((is_static || is_free) && whole != NULL) {
        const struct node *own = said_below(checker, resolved, whole, "memory.fraction", &said);
        if (own != NULL) {
            DIAGNOSE_ERROR(checker->diagnostics, own->mark,
                           "memory.fraction: has no effect beside %s; leave one of them out",
                           is_static ? "static_fraction" : "free_fraction");
        }
    }
}

void check_effects(const struct checker *checker)
{
    if (!is_known(checker, "workload")) {
        return;
    }
    bool resolved = says_all(checker->tree);
    check_fractions(checker, resolved);
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
        check_effect(checker, resolved, &effects[i]);
    }
}
