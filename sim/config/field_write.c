/* SPDX-License-Identifier: MIT */
#include "sim/config/field_write.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

static const char *at(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

static uint64_t count_at(const struct field *field, const void *object)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, at(field, object), sizeof narrow);
        return narrow;
    }
    memcpy(&wide, at(field, object), sizeof wide);
    return wide;
}

static struct node *write_mapping(struct arena *arena, const struct field *field,
                                  const void *object, struct mark mark)
{
    struct node *mapping = node_mapping(arena, mark, ORIGIN_DATA);
    for (const struct field *row = field->fields; row->key != NULL; row++) {
        struct node *value = field_write(arena, row, at(field, object), mark);
        if (value != NULL) {
            node_put(arena, mapping, row->key, mark, value);
        }
    }
    return mapping->count == 0 ? NULL : mapping;
}

/* The text of a scalar; NULL: it is 0. */
static const char *scalar_text(struct arena *arena, const struct field *field, const void *object)
{
    if (field->kind == FIELD_COUNT || field->kind == FIELD_TOKENS) {
        uint64_t count = count_at(field, object);
        return count == 0 ? NULL
                          : arena_printf(arena, "%" PRIu64 "%s", count,
                                         field->kind == FIELD_TOKENS ? " tokens" : "");
    }
    if (field->kind == FIELD_BOOLEAN) {
        bool flag = false;
        memcpy(&flag, at(field, object), sizeof flag);
        return flag ? "true" : NULL;
    }
    if (field->kind == FIELD_CHOICE) {
        int value = 0;
        memcpy(&value, at(field, object), sizeof value);
        for (const struct choice *it = field->choices; value != 0 && it->name != NULL; it++) {
            if (it->value == value) {
                return it->name;
            }
        }
    }
    return NULL;
}

struct node *field_write(struct arena *arena, const struct field *field, const void *object,
                         struct mark mark)
{
    if (field->kind == FIELD_MAPPING) {
        return write_mapping(arena, field, object, mark);
    }
    const char *text = scalar_text(arena, field, object);
    return text == NULL ? NULL : node_scalar(arena, text, mark, ORIGIN_DATA);
}

bool field_same(const struct field *field, const void *left, const void *right)
{
    if (field->kind != FIELD_MAPPING) {
        return field->size == 0 || memcmp(at(field, left), at(field, right), field->size) == 0;
    }
    for (const struct field *row = field->fields; row->key != NULL; row++) {
        if (!field_same(row, at(field, left), at(field, right))) {
            return false;
        }
    }
    return true;
}
