/* SPDX-License-Identifier: MIT
 * What a field table says in words, and looking rows up. */
#include "sim/config/field.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

struct kind_row {
    enum quantity quantity;
    const char *noun; /* of kinds that are no quantity */
};

static const struct kind_row kinds[FIELD_KIND_COUNT] = {
    [FIELD_COUNT] = {.noun = "a whole number"},
    [FIELD_TOKENS] = {.quantity = QUANTITY_TOKENS},
    [FIELD_NUMBER] = {.noun = "a plain number"},
    [FIELD_MEAN_TOKENS] = {.quantity = QUANTITY_TOKENS},
    [FIELD_SECONDS] = {.quantity = QUANTITY_SECONDS},
    [FIELD_BYTES] = {.quantity = QUANTITY_BYTES},
    [FIELD_BYTES_PER_SECOND] = {.quantity = QUANTITY_BYTES_PER_SECOND},
    [FIELD_FLOPS_PER_SECOND] = {.quantity = QUANTITY_FLOPS_PER_SECOND},
    [FIELD_HERTZ] = {.quantity = QUANTITY_HERTZ},
    [FIELD_WATTS] = {.quantity = QUANTITY_WATTS},
    [FIELD_JOULES] = {.quantity = QUANTITY_JOULES},
    [FIELD_PER_SECOND] = {.quantity = QUANTITY_PER_SECOND},
    [FIELD_SIZES] = {.noun = "sizes such as 128x256 64x16"},
    [FIELD_BOOLEAN] = {.noun = "true or false"},
    [FIELD_CHOICE] = {.noun = "a choice"},
    [FIELD_NAME] = {.noun = "a name"},
    [FIELD_STRING] = {.noun = "a text"},
    [FIELD_INPUT_FILE] = {.noun = "the path of a file"},
    [FIELD_OUTPUT_FILE] = {.noun = "the path of a file to write"},
    [FIELD_MAPPING] = {.noun = "a mapping"},
    [FIELD_TAGGED] = {.noun = "a mapping with a 'kind'"},
    [FIELD_LIST] = {.noun = "a list"},
    [FIELD_KEYS] = {.noun = "a mapping of a scenario's keys"},
};

enum quantity field_quantity(enum field_kind kind)
{
    assert(kind < FIELD_KIND_COUNT && "not a kind of field");
    return kinds[kind].quantity;
}

struct quantity_reading field_quantity_read(enum field_kind kind, const char *text)
{
    struct quantity_reading reading = quantity_read(text, field_quantity(kind));
    bool bare = kind == FIELD_MEAN_TOKENS && reading.fault == QUANTITY_NO_UNIT;
    return bare ? quantity_read(text, QUANTITY_NONE) : reading;
}

const struct field *field_find(const struct field *fields, const char *key)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        if (field->key[0] == key[0] && strcmp(field->key, key) == 0) {
            return field;
        }
    }
    return NULL;
}

/* The row that the rest of a path names inside a row. */
static const struct field *find_inside(const struct field *field, const char *path)
{
    while (field->kind == FIELD_LIST) {
        size_t digits = strspn(path, "0123456789");
        if (digits > 0 && path[digits] == '\0') {
            return field->item;
        }
        path += digits > 0 && path[digits] == '.' ? digits + 1 : 0;
        field = field->item;
    }
    if (field_has_keys(field)) {
        return field_find_path(field->fields, path);
    }
    if (field->kind == FIELD_TAGGED && strcmp(path, "kind") == 0) {
        return field;
    }
    for (const struct variant *variant = field->kind == FIELD_TAGGED ? field->variants : NULL;
         variant != NULL && variant->name != NULL; variant++) {
        const struct field *found = field_find_path(variant->fields, path);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const struct field *field_find_path(const struct field *fields, const char *path)
{
    size_t length = strcspn(path, ".");
    for (const struct field *field = fields; field->key != NULL; field++) {
        if (strncmp(field->key, path, length) == 0 && field->key[length] == '\0') {
            return path[length] == '\0' ? field : find_inside(field, path + length + 1);
        }
    }
    return NULL;
}

static const char *join(struct arena *arena, const char *list, const char *name)
{
    return list[0] == '\0' ? name : arena_printf(arena, "%s, %s", list, name);
}

const char *field_noun(enum field_kind kind)
{
    enum quantity quantity = field_quantity(kind);
    return quantity == QUANTITY_NONE ? kinds[kind].noun : quantity_noun(quantity);
}

static const char *choices_of(struct arena *arena, const struct choice *choice)
{
    const char *list = "";
    for (; choice->name != NULL; choice++) {
        list = join(arena, list, choice->name);
    }
    return list;
}

const char *field_expects(struct arena *arena, const struct field *field)
{
    const char *list = "";
    if (field->kind == FIELD_CHOICE) {
        return arena_printf(arena, "one of: %s", choices_of(arena, field->choices));
    }
    if (field->kind == FIELD_LIST && field->item->kind == FIELD_CHOICE) {
        return arena_printf(arena, "a list of: %s", choices_of(arena, field->item->choices));
    }
    if (field->kind == FIELD_TAGGED) {
        for (const struct variant *variant = field->variants; variant->name != NULL; variant++) {
            list = join(arena, list, variant->name);
        }
        return arena_printf(arena, "a mapping with a 'kind' of: %s", list);
    }
    if (field->kind == FIELD_MAPPING && field->folder != NULL) {
        return arena_printf(arena, "a name (a file in %s), a path or a mapping", field->folder);
    }
    if (field->kind == FIELD_MAPPING) {
        for (const struct field *key = field->fields; key->key != NULL; key++) {
            list = join(arena, list, key->key);
        }
        return arena_printf(arena, "a mapping of: %s", list);
    }
    enum quantity quantity = field_quantity(field->kind);
    if (quantity != QUANTITY_NONE) {
        return arena_printf(arena, "%s such as %s", quantity_noun(quantity),
                            quantity_example(quantity));
    }
    return field_noun(field->kind);
}

/* A bound as one would write it; long whole numbers in groups: 1_000_000. */
static const char *bound(struct arena *arena, const struct field *field, double value)
{
    char text[64], grouped[64];
    quantity_print(text, sizeof text, value, field_quantity(field->kind));
    size_t digits = strspn(text, "0123456789"), used = 0;
    if (digits < 6 || (text[digits] != '\0' && text[digits] != ' ')) {
        return arena_strdup(arena, text);
    }
    for (size_t i = 0; i < digits && used + 2 < sizeof grouped; i++) {
        if (i > 0 && (digits - i) % 3 == 0) {
            grouped[used++] = '_';
        }
        grouped[used++] = text[i];
    }
    return arena_printf(arena, "%.*s%s", (int)used, grouped, text + digits);
}

double field_largest(const struct field *field)
{
    static const double past_doubles = 9007199254740992.0; /* 2^53: above, they skip numbers */
    bool is_whole = field->kind == FIELD_COUNT || field->kind == FIELD_TOKENS;
    if (field->max != 0.0) {
        return field->max;
    }
    if (!is_whole) {
        return INFINITY;
    }
    return field->size == sizeof(uint32_t) ? (double)UINT32_MAX : past_doubles - 1.0;
}

const char *field_range(struct arena *arena, const struct field *field)
{
    bool has_range = field->kind <= FIELD_PER_SECOND || field->kind == FIELD_LIST;
    if (!has_range) {
        return NULL;
    }
    const char *least = bound(arena, field, field->min);
    double largest = field_largest(field);
    if (isinf(largest)) {
        return arena_printf(arena, "at least %s", least);
    }
    /* "1 to 8 tokens", not "1 tokens to 8 tokens". */
    const char *most = bound(arena, field, largest);
    const char *least_unit = strchr(least, ' '), *most_unit = strchr(most, ' ');
    bool alike = least_unit != NULL && most_unit != NULL && strcmp(least_unit, most_unit) == 0;
    int shown = alike ? (int)(least_unit - least) : (int)strlen(least);
    return arena_printf(arena, "%.*s to %s", shown, least, most);
}
