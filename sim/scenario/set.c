/* SPDX-License-Identifier: MIT
 * --set key.path=value: the value takes the place it names in the tree, and is checked there by the
 * same table as everything else. */
#include "sim/scenario/expand.h"

#include <stdlib.h>
#include <string.h>

struct setting {
    const struct expansion *expansion;
    struct mark mark;
    const char *done; /* the part of the path that has been walked */
};

/* A list, a mapping or a quoted text is YAML; everything else is taken as it stands, so that a
 * title may have a colon in it. */
static struct node *read_set_value(const struct setting *setting, const char *text)
{
    struct arena *arena = setting->expansion->arena;
    if (text[0] != '\0' && strchr("{[\"'", text[0]) != NULL) {
        return yaml_tree_parse(arena, text, strlen(text), setting->mark.file, ORIGIN_SET,
                               setting->expansion->diagnostics);
    }
    return node_scalar(arena, text, setting->mark, ORIGIN_SET);
}

static struct node **list_item(const struct setting *setting, struct node *list, const char *key)
{
    size_t digits = strspn(key, "0123456789");
    unsigned long index = digits > 0 && digits < 10 ? strtoul(key, NULL, 10) : list->count;
    if (digits == 0 || key[digits] != '\0' || index >= list->count) {
        DIAGNOSE_ERROR(setting->expansion->diagnostics, setting->mark,
                       list->count == 1 ? "%s is a list of %zu; expected its number, as in %s.0"
                                        : "%s is a list of %zu; expected an item's number, counted "
                                          "from 0, as in %s.0",
                       setting->done, list->count, setting->done);
        return NULL;
    }
    return &list->items[index];
}

/* The slot that `key` names in a mapping or list; a key that a mapping lacks is added, for the
 * tables to judge. NULL after an error. */
static struct node **find_slot(const struct setting *setting, struct node *node, const char *key)
{
    struct arena *arena = setting->expansion->arena;
    if (node->kind == NODE_LIST) {
        return list_item(setting, node, key);
    }
    if (node->kind != NODE_MAPPING) {
        if (node->kind != NODE_INVALID) {
            DIAGNOSE_ERROR(setting->expansion->diagnostics, setting->mark,
                           "%s is a single value; it has no '%s'", setting->done, key);
        }
        return NULL;
    }
    if (node_entry(node, key) == NULL) {
        node_put(arena, node, key, setting->mark, node_mapping(arena, setting->mark, ORIGIN_SET));
    }
    return &node_entry(node, key)->value;
}

/* The rows inside a row, for the shorthands on the way; NULL when it has none. */
static const struct field *rows_inside(const struct field *field, const struct node *node)
{
    if (field == NULL) {
        return NULL;
    }
    if (field->kind == FIELD_TAGGED) {
        const struct variant *variant = field_variant(field, node);
        return variant == NULL ? NULL : variant->fields;
    }
    return field->kind == FIELD_MAPPING || field->kind == FIELD_KEYS ? field->fields : NULL;
}

/* The row that `key` has among `fields`, or the item's row when `list` is a list. */
static const struct field *row_of(const struct field *fields, const struct field *list,
                                  const char *key)
{
    if (list != NULL && list->kind == FIELD_LIST) {
        return list->item;
    }
    return fields == NULL ? NULL : field_find(fields, key);
}

static void put(struct setting *setting, const struct field *fields, struct node *root,
                const char *path, struct node *value)
{
    struct arena *arena = setting->expansion->arena;
    struct node **slot = &root;
    const struct field *field = NULL;
    for (const char *rest = path;; rest++) {
        size_t length = strcspn(rest, ".");
        const char *key = arena_printf(arena, "%.*s", (int)length, rest);
        /* `precision: fp8` must become {preset: fp8} before precision.kv_cache can be set. */
        if (field != NULL && field->shorthand != NULL && (*slot)->kind == NODE_SCALAR) {
            struct node *mapping = node_mapping(arena, (*slot)->mark, (*slot)->origin);
            node_put(arena, mapping, field->shorthand, (*slot)->mark, *slot);
            *slot = mapping;
        }
        field = row_of(*slot == root ? fields : rows_inside(field, *slot), field, key);
        slot = find_slot(setting, *slot, key);
        if (slot == NULL) {
            return;
        }
        rest += length;
        setting->done = arena_printf(arena, "%.*s", (int)(rest - path), path);
        if (*rest == '\0') {
            *slot = value;
            return;
        }
    }
}

void expand_put(const struct expansion *expansion, const struct field *fields, struct node *root,
                const char *path, struct node *value)
{
    struct setting setting = {.expansion = expansion, .mark = value->mark};
    put(&setting, fields, root, path, value);
}

void expand_set(const struct expansion *expansion, const struct field *fields, struct node *root,
                const char *text)
{
    struct arena *arena = expansion->arena;
    struct setting setting = {.expansion = expansion,
                              .mark = {.file = arena_printf(arena, "--set %s", text)}};
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        DIAGNOSE_ERROR(expansion->diagnostics, setting.mark,
                       "expected key.path=value, such as layout.tensor=8");
        return;
    }
    struct node *value = read_set_value(&setting, equals + 1);
    if (value != NULL) {
        expand_sources(expansion, value, NULL);
        put(&setting, fields, root, arena_printf(arena, "%.*s", (int)(equals - text), text), value);
    }
}
