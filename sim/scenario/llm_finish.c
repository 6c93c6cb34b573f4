/* SPDX-License-Identifier: MIT */
#include "sim/scenario/llm_finish.h"

#include "sim/base/suggest.h"
#include "sim/scenario/tables.h"

#include <stdlib.h>
#include <string.h>

struct finish {
    const struct field_context *context;
    const struct node *model;
    const char *path;
    struct llm *llm;
};

/* Where a kind's complaint points: at its own key, the model's, or the mapping. */
static struct mark mark_of(const struct finish *finish, const struct node *kind, const char *key)
{
    const struct node *node = kind == NULL ? NULL : node_get(kind, key);
    node = node == NULL ? node_get(finish->model, key) : node;
    if (node != NULL && node->origin != ORIGIN_DEFAULT) {
        return node->mark;
    }
    return kind == NULL ? finish->model->mark : kind->mark;
}

static void require(const struct finish *finish, const struct node *kind, const char *key,
                    uint32_t value)
{
    const struct node *own = kind == NULL ? NULL : node_get(kind, key);
    const struct node *node = own == NULL ? node_get(finish->model, key) : own;
    if (value > 0 || (node != NULL && !node->accepted)) {
        return;
    }
    struct diagnostics *diagnostics = finish->context->diagnostics;
    if (node != NULL) {
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s.%s: 0 is out of range, expected at least 1",
                       finish->path, key);
        return;
    }
    DIAGNOSE_ERROR(diagnostics, kind == NULL ? finish->model->mark : kind->mark,
                   "missing required key '%s.%s'; expected a whole number%s", finish->path, key,
                   kind == NULL ? "" : " in this kind of layers or at the model's top");
}

static bool has_part(const struct finish *finish, const struct node *kind, const char *part)
{
    return (kind != NULL && node_get(kind, part) != NULL) || node_get(finish->model, part) != NULL;
}

static void require_mixer(const struct finish *finish, const struct node *kind,
                          const struct llm_keys *keys, enum mixer_kind mixer)
{
    const char *name = mixer_kind_name(mixer);
    if (mixer == MIXER_GQA) {
        require(finish, kind, "query_heads", keys->query_heads);
        require(finish, kind, "kv_heads", keys->kv_heads);
        require(finish, kind, "head_size", keys->head_size);
    } else if (mixer != MIXER_NONE && !has_part(finish, kind, name)) {
        DIAGNOSE_ERROR(finish->context->diagnostics, mark_of(finish, kind, "mixer"),
                       "%s.mixer: the sizes of '%s' are missing; expected a mapping '%s' (cpsim "
                       "describe model.%s)",
                       finish->path, name, name, name);
    }
}

/* Whether a key is not there, or was read. */
static bool is_sound_key(const struct finish *finish, const struct node *kind, const char *key)
{
    const struct node *own = kind == NULL ? NULL : node_get(kind, key);
    const struct node *node = own == NULL ? node_get(finish->model, key) : own;
    return node == NULL || node->accepted;
}

static void check_experts(const struct finish *finish, const struct node *kind,
                          const struct llm_keys *keys)
{
    struct diagnostics *diagnostics = finish->context->diagnostics;
    uint32_t experts = keys->experts.count, per_token = keys->experts.per_token;
    if (!is_sound_key(finish, kind, "experts") ||
        !is_sound_key(finish, kind, "experts_per_token")) {
        return;
    }
    if (experts == 0 && kind == NULL && (per_token > 0 || keys->shared_ffn_hidden > 0)) {
        const char *key = per_token > 0 ? "experts_per_token" : "shared_ffn_hidden";
        DIAGNOSE_ERROR(diagnostics, mark_of(finish, kind, key),
                       "%s.%s: the model has no experts; set %s.experts", finish->path, key,
                       finish->path);
    } else if (experts > 0 && (per_token == 0 || per_token > experts)) {
        DIAGNOSE_ERROR(diagnostics, mark_of(finish, kind, "experts_per_token"),
                       "%s.experts_per_token: %u of the %u experts of %s; expected 1 to %u",
                       finish->path, per_token, experts,
                       kind == NULL ? "a layer"
                                    : arena_printf(finish->context->arena, "'%s'",
                                                   keys->name == NULL ? "" : keys->name),
                       experts);
    }
}

static void check_heads(const struct finish *finish, const struct node *kind,
                        const struct llm_keys *keys)
{
    bool read = is_sound_key(finish, kind, "query_heads") && is_sound_key(finish, kind, "kv_heads");
    if (read && keys->mixer == MIXER_GQA && keys->kv_heads > 0 &&
        keys->query_heads % keys->kv_heads != 0) {
        DIAGNOSE_ERROR(finish->context->diagnostics, mark_of(finish, kind, "kv_heads"),
                       "%s.kv_heads: %u does not divide the %u query heads", finish->path,
                       keys->kv_heads, keys->query_heads);
    }
}

static void check_kind(const struct finish *finish, const struct node *kind,
                       const struct llm_keys *keys)
{
    struct diagnostics *diagnostics = finish->context->diagnostics;
    require_mixer(finish, kind, keys, keys->mixer);
    if (keys->mixer_beside > 0) {
        require_mixer(finish, kind, keys, (enum mixer_kind)(keys->mixer_beside - 1));
    }
    if (kind == NULL && keys->mixer == MIXER_GQA) {
        require(finish, kind, "ffn_hidden", keys->ffn_hidden);
    } else if (keys->ffn_hidden == 0 && keys->mixer == MIXER_NONE) {
        DIAGNOSE_ERROR(diagnostics, kind == NULL ? finish->model->mark : kind->mark,
                       "%s.kinds: '%s' has neither a mixer nor a feed-forward block", finish->path,
                       keys->name == NULL ? "" : keys->name);
    }
    if (keys->window > 0 && keys->chunk > 0) {
        DIAGNOSE_ERROR(diagnostics, mark_of(finish, kind, "chunk"),
                       "%s.chunk: attention is in a window or in chunks; set one of both to 0",
                       finish->path);
    }
    check_experts(finish, kind, keys);
    check_heads(finish, kind, keys);
}

/* A kind with what it leaves to the top. */
static void read_kind(const struct finish *finish, const struct node *item, const char *path,
                      struct llm_keys *keys)
{
    struct arena *arena = finish->context->arena;
    struct node *whole = node_mapping(arena, item->mark, item->origin);
    for (const struct field *field = llm_kind_fields; field->key != NULL; field++) {
        const struct node_entry *entry = node_entry(finish->model, field->key);
        if (entry != NULL && strcmp(field->key, "name") != 0) {
            node_put(arena, whole, field->key, entry->key_mark, node_copy(arena, entry->value));
        }
    }
    whole = node_overlay(arena, whole, node_copy(arena, item));
    /* What is wrong in it has been said when the item or the top was read. */
    struct diagnostics *unheard = diagnostics_create();
    const struct field_context again = {.arena = arena, .diagnostics = unheard};
    memset(keys, 0, sizeof *keys);
    fields_read(&again, llm_kind_fields, whole, path, keys);
    diagnostics_destroy(unheard);
}

static uint32_t find_kind(const struct finish *finish, const struct node *name)
{
    struct suggestion suggestion = {.word = name->text};
    for (uint32_t i = 0; i < finish->llm->kind_count; i++) {
        const char *known = finish->llm->kinds[i].name;
        if (known != NULL && strcmp(known, name->text) == 0) {
            return i;
        }
        suggestion_consider(&suggestion, known == NULL ? "" : known);
    }
    const char *hint =
        suggestion.best == NULL || suggestion.best[0] == '\0'
            ? ""
            : arena_printf(finish->context->arena, " (did you mean '%s'?)", suggestion.best);
    DIAGNOSE_ERROR(finish->context->diagnostics, name->mark,
                   "%s.stack: no kind '%.100s' is in %s.kinds%s", finish->path, name->text,
                   finish->path, hint);
    return 0;
}

/* Whether all of it passed the checks of its rows. */
static bool is_sound(const struct node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct node *item = list->items[i];
        const struct node *pattern = node_get(item, "pattern"), *repeat = node_get(item, "repeat");
        bool sound = pattern != NULL && pattern->accepted && repeat != NULL && repeat->accepted;
        for (size_t k = 0; sound && k < pattern->count; k++) {
            sound = pattern->items[k]->accepted;
        }
        if (!sound) {
            return false;
        }
    }
    return true;
}

static void read_runs(const struct finish *finish, const struct node *list)
{
    struct arena *arena = finish->context->arena;
    struct llm *llm = finish->llm;
    struct layer_run *runs = ARENA_ARRAY(arena, struct layer_run, list->count);
    uint32_t layers = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct node *pattern = node_get(list->items[i], "pattern");
        const struct node *repeat = node_get(list->items[i], "repeat");
        uint32_t *kinds = ARENA_ARRAY(arena, uint32_t, pattern->count);
        for (size_t k = 0; k < pattern->count; k++) {
            kinds[k] = find_kind(finish, pattern->items[k]);
        }
        runs[i] = (struct layer_run){.kinds = kinds,
                                     .kind_count = (uint32_t)pattern->count,
                                     .repeat = (uint32_t)strtoul(repeat->text, NULL, 10)};
        layers += runs[i].kind_count * runs[i].repeat;
    }
    llm->stack.runs = runs;
    llm->stack.run_count = (uint32_t)list->count;
    if (llm->keys.layers == 0) {
        llm->keys.layers = layers;
    } else if (llm->keys.layers > layers) {
        DIAGNOSE_ERROR(
            finish->context->diagnostics, mark_of(finish, NULL, "layers"),
            "%s.layers: %u, but the stack has %u; leave it out, or expected at most that",
            finish->path, llm->keys.layers, layers);
    }
}

static void finish_kinds(const struct finish *finish, const struct node *kinds,
                         const struct node *stack)
{
    struct llm *llm = finish->llm;
    struct llm_keys *keys = ARENA_ARRAY(finish->context->arena, struct llm_keys, kinds->count);
    for (size_t i = 0; i < kinds->count; i++) {
        const char *path = arena_printf(finish->context->arena, "%s.kinds.%zu", finish->path, i);
        read_kind(finish, kinds->items[i], path, &keys[i]);
        check_kind(finish, kinds->items[i], &keys[i]);
        for (size_t k = 0; k < i; k++) {
            if (keys[k].name != NULL && keys[i].name != NULL &&
                strcmp(keys[k].name, keys[i].name) == 0) {
                DIAGNOSE_ERROR(finish->context->diagnostics, kinds->items[i]->mark,
                               "%s.kinds: two kinds are called '%s'", finish->path, keys[i].name);
            }
        }
    }
    llm->kinds = keys;
    if (is_sound(stack)) {
        read_runs(finish, stack);
    }
}

void llm_finish(const struct field_context *context, const struct node *model, const char *path,
                struct llm *llm)
{
    const struct finish finish = {.context = context, .model = model, .path = path, .llm = llm};
    const struct node *kinds = node_get(model, "kinds"), *stack = node_get(model, "stack");
    bool named = kinds != NULL && kinds->accepted && kinds->count > 0;
    bool stacked = stack != NULL && stack->accepted && stack->count > 0;
    if (named && stacked) {
        finish_kinds(&finish, kinds, stack);
    } else if (named || stacked) {
        DIAGNOSE_ERROR(context->diagnostics, (named ? kinds : stack)->mark,
                       "%s.%s: is without %s.%s; kinds name what layers are like, the stack says "
                       "in which order they come",
                       path, named ? "kinds" : "stack", path, named ? "stack" : "kinds");
    } else {
        require(&finish, NULL, "layers", llm->keys.layers);
        check_kind(&finish, NULL, &llm->keys);
    }
    llm_from_keys(llm);
}
