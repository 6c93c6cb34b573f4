/* SPDX-License-Identifier: MIT
 * The walker: a tree of text in, a struct and diagnostics out. */
#include "sim/config/field.h"

#include "sim/base/printable.h"
#include "sim/base/suggest.h"
#include "sim/config/find.h"
#include "sim/config/reference.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    const struct field_context *context;
    const struct field *field;
    const char *path; /* of the value, "layout.tensor" */
    void *object;     /* that holds the field */
};

static void read_field(const struct place *place, struct node *node);
static void read_keys(const struct field_context *context, const struct field *fields,
                      const char *tag, struct node *mapping, const char *path, void *object);

static void store(const struct place *place, struct node *node, const void *value, size_t size)
{
    node->accepted = true;
    if (place->field->size > 0) {
        assert(place->field->size == size && "a field table row of the member's own type");
        memcpy((char *)place->object + place->field->offset, value, size);
    }
}

/* " (did you mean 'x'?)" or "". */
static const char *did_you_mean(struct arena *arena, const char *word)
{
    return word == NULL ? "" : arena_printf(arena, " (did you mean '%s'?)", word);
}

static bool in_range(const struct field *field, double value)
{
    return value >= field->min && value <= field_largest(field);
}

static void complain_of_range(const struct place *place, const struct node *node)
{
    DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                   "%s: %.100s is out of range, expected %s", place->path, node->text,
                   field_range(place->context->arena, place->field));
}

/* A number that ends as people shorten it, written out: "4k tokens" is 4000, "90%" is 0.9. "": it
 * is none. */
static const char *written_out(struct arena *arena, const char *text)
{
    static const struct {
        char letter;
        double factor;
    } letters[] = {{'k', 1e3}, {'K', 1e3},  {'M', 1e6}, {'G', 1e9},
                   {'B', 1e9}, {'T', 1e12}, {'%', 0.01}};
    char *end = NULL;
    double value = strtod(text, &end);
    const char *rest = end == text ? "" : end + strspn(end, " ");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        bool alone = rest[0] == letters[i].letter && (rest[1] == '\0' || rest[1] == ' ');
        if (alone) {
            return arena_printf(arena, " (write it out: %.15g%s)", value * letters[i].factor,
                                rest + 1);
        }
    }
    return "";
}

static void complain_of_quantity(const struct place *place, const struct node *node,
                                 const struct quantity_reading *reading)
{
    struct diagnostics *diagnostics = place->context->diagnostics;
    struct arena *arena = place->context->arena;
    const char *path = place->path, *expected = field_expects(arena, place->field);
    enum quantity quantity = field_quantity(place->field->kind);
    const char *near = NULL;
    switch (reading->fault) {
    case QUANTITY_NO_UNIT:
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s: '%.100s' needs a unit; expected %s", path,
                       node->text, expected);
        return;
    case QUANTITY_UNKNOWN_UNIT:
        if (quantity == QUANTITY_NONE) {
            break;
        }
        near = quantity == QUANTITY_TOKENS ? written_out(arena, node->text) : "";
        if (near[0] == '\0') {
            near = did_you_mean(arena, quantity_nearest_unit(reading->unit, quantity));
        }
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s: unknown unit '%.40s'%s; expected %s", path,
                       reading->unit, near, expected);
        return;
    case QUANTITY_OF_ANOTHER_KIND:
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s: '%.100s' is %s; expected %s", path, node->text,
                       quantity_noun(reading->found), expected);
        return;
    case QUANTITY_LEADING_ZERO:
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s: '%.100s' has a leading zero; write it without",
                       path, node->text);
        return;
    case QUANTITY_NOT_FINITE:
        DIAGNOSE_ERROR(diagnostics, node->mark, "%s: '%.100s' is larger than any number can be",
                       path, node->text);
        return;
    case QUANTITY_NOT_A_NUMBER:
    case QUANTITY_OK:
        break;
    }
    DIAGNOSE_ERROR(diagnostics, node->mark,
                   quantity == QUANTITY_NONE ? "%s: '%.100s' is not %s%s"
                                             : "%s: '%.100s' is not a number; expected %s%s",
                   path, node->text, expected, written_out(arena, node->text));
}

/* A number of any kind; false after a complaint. */
static bool read_quantity(const struct place *place, const struct node *node, double *value)
{
    bool keeps = node->number != NULL && node->number->text == node->text;
    struct node_number *kept = keeps ? node->number : NULL;
    int kind = (int)place->field->kind;
    if (kept != NULL && kept->kind == kind) {
        *value = kept->value;
        return true;
    }
    struct quantity_reading reading = field_quantity_read(place->field->kind, node->text);
    if (reading.fault != QUANTITY_OK) {
        complain_of_quantity(place, node, &reading);
        return false;
    }
    if (kept != NULL) {
        kept->kind = kind;
        kept->value = reading.value;
    }
    *value = reading.value;
    return true;
}

static void read_count(const struct place *place, struct node *node)
{
    double value = 0.0;
    if (!read_quantity(place, node, &value)) {
        return;
    }
    if (value != floor(value)) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                       "%s: '%.100s' is not a whole number", place->path, node->text);
        return;
    }
    if (!in_range(place->field, value)) {
        complain_of_range(place, node);
        return;
    }
    uint64_t count = (uint64_t)value;
    uint32_t short_count = (uint32_t)count;
    if (place->field->size == sizeof short_count) {
        store(place, node, &short_count, sizeof short_count);
    } else {
        store(place, node, &count, sizeof count);
    }
}

static void read_number(const struct place *place, struct node *node)
{
    double value = 0.0;
    if (!read_quantity(place, node, &value)) {
        return;
    }
    if (!in_range(place->field, value)) {
        complain_of_range(place, node);
        return;
    }
    store(place, node, &value, sizeof value);
}

/* A number of up to nine digits at `text`; what is behind it, NULL when there is none. */
static const char *read_digits(const char *text, uint32_t *value)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || sscanf(text, "%9" SCNu32, value) != 1 || *value == 0) {
        return NULL;
    }
    return text + digits;
}

/* One "128x256" at `text`; what is behind it and its blanks, NULL when there is none. */
static const char *read_size(const char *text, uint32_t size[2])
{
    const char *end = read_digits(text, &size[0]);
    end = end != NULL && *end == 'x' ? read_digits(end + 1, &size[1]) : NULL;
    bool ends = end != NULL && (*end == ' ' || *end == '\0');
    return ends ? end + strspn(end, " ") : NULL;
}

static void read_sizes(const struct place *place, struct node *node)
{
    size_t most = strlen(node->text) / 3 + 1, count = 0; /* "1x1" is the shortest */
    uint32_t(*sizes)[2] = arena_array(place->context->arena, most, sizeof *sizes);
    const char *text = node->text + strspn(node->text, " ");
    while (text != NULL && *text != '\0') {
        text = read_size(text, sizes[count++]);
    }
    if (text == NULL) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark, "%s: '%.100s' is not %s",
                       place->path, node->text, field_expects(place->context->arena, place->field));
        return;
    }
    if (!in_range(place->field, (double)count)) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                       "%s: has %zu sizes, expected %g to %g", place->path, count,
                       place->field->min, field_largest(place->field));
        return;
    }
    store(place, node, &sizes, sizeof sizes);
    if (place->field->size > 0) {
        memcpy((char *)place->object + place->field->count_offset, &count, sizeof count);
    }
}

static void read_boolean(const struct place *place, struct node *node)
{
    bool value = strcmp(node->text, "true") == 0;
    if (!value && strcmp(node->text, "false") != 0) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                       "%s: '%.100s' is neither true nor false", place->path, node->text);
        return;
    }
    store(place, node, &value, sizeof value);
}

static void read_choice(const struct place *place, struct node *node)
{
    struct suggestion suggestion = {.word = node->text};
    for (const struct choice *choice = place->field->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, node->text) == 0) {
            store(place, node, &choice->value, sizeof choice->value);
            return;
        }
    }
    for (const struct choice *choice = place->field->choices; choice->name != NULL; choice++) {
        suggestion_consider(&suggestion, choice->name);
    }
    DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                   "%s: '%.100s' is not known%s; expected %s", place->path, node->text,
                   did_you_mean(place->context->arena, suggestion.best),
                   field_expects(place->context->arena, place->field));
}

static bool is_word(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return length > 0 && text[length] == '\0';
}

/* Paths inside a file are relative to the file; those on the command line to where it was typed. */
static const char *path_from(struct arena *arena, const struct node *node)
{
    bool from_file = node->origin == ORIGIN_SCENARIO || node->origin == ORIGIN_DATA;
    return from_file ? file_beside(arena, node->mark.file, node->text) : node->text;
}

static void read_text(const struct place *place, struct node *node)
{
    enum field_kind kind = place->field->kind;
    if (node->text[0] == '\0') {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark, "%s: is empty; expected %s",
                       place->path, field_expects(place->context->arena, place->field));
        return;
    }
    if (kind == FIELD_NAME && !is_word(node->text)) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                       "%s: '%.100s' is not a name (letters, digits, '-', '_' and '.')",
                       place->path, node->text);
        return;
    }
    bool no_file = kind == FIELD_OUTPUT_FILE && !node->quoted &&
                   (strcmp(node->text, "none") == 0 || strcmp(node->text, "false") == 0 ||
                    strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0);
    const char *text = no_file                    ? NULL
                       : kind == FIELD_INPUT_FILE ? path_from(place->context->arena, node)
                       : kind == FIELD_STRING     ? printable(place->context->arena, node->text)
                                                  : node->text;
    if (kind == FIELD_INPUT_FILE) { /* named, if not read yet: no output may go there */
        diagnostics_add_input(place->context->diagnostics, text);
    }
    store(place, node, &text, sizeof text);
}

/* Figures in data files need a source; words do not. */
static void require_source(const struct place *place, const struct node *node)
{
    bool is_figure = place->field->kind <= FIELD_BOOLEAN;
    if (node->origin == ORIGIN_DATA && is_figure && node->source == NULL) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark,
                       "%s: no source; write {value: %.60s, source: \"...\"}, or give the mapping "
                       "it is in a 'source:'",
                       place->path, node->text);
    }
}

static void read_list(const struct place *place, struct node *list)
{
    const struct field *field = place->field;
    struct arena *arena = place->context->arena;
    if (!in_range(field, (double)list->count)) {
        DIAGNOSE_ERROR(place->context->diagnostics, list->mark, "%s: has %zu items, expected %s",
                       place->path, list->count, field_range(arena, field));
        return;
    }
    char *items = arena_array(arena, list->count, field->item->size);
    for (size_t i = 0; i < list->count; i++) {
        struct place item = {.context = place->context,
                             .field = field->item,
                             .path = arena_printf(arena, "%s.%zu", place->path, i),
                             .object = items + i * field->item->size};
        read_field(&item, list->items[i]);
    }
    store(place, list, &items, sizeof items);
    if (field->size > 0) {
        memcpy((char *)place->object + field->count_offset, &list->count, sizeof list->count);
    }
}

const struct variant *field_variant(const struct field *field, const struct node *mapping)
{
    const struct node *tag = node_get(mapping, "kind");
    for (const struct variant *variant = field->variants; variant->name != NULL; variant++) {
        if (tag != NULL && tag->kind == NODE_SCALAR && strcmp(tag->text, variant->name) == 0) {
            return variant;
        }
    }
    return NULL;
}

static void complain_of_tag(const struct place *place, const struct node *mapping)
{
    struct arena *arena = place->context->arena;
    const struct node *tag = node_get(mapping, "kind");
    const char *text = tag == NULL || tag->text == NULL ? "" : tag->text;
    struct suggestion suggestion = {.word = text};
    const char *kinds = "";
    for (const struct variant *known = place->field->variants; known->name != NULL; known++) {
        suggestion_consider(&suggestion, known->name);
        if (suggest_is_among(known->also, text)) {
            suggestion.best = known->name;
            suggestion.distance = 0;
        }
        kinds = arena_printf(arena, "%s%s%s", kinds, kinds[0] == '\0' ? "" : ", ", known->name);
    }
    if (tag == NULL) {
        DIAGNOSE_ERROR(place->context->diagnostics, mapping->mark,
                       "%s: is missing its 'kind'; expected one of: %s", place->path, kinds);
    } else if (tag->kind != NODE_INVALID) {
        DIAGNOSE_ERROR(place->context->diagnostics, tag->mark,
                       "%s.kind: '%.100s' is not known%s; expected one of: %s", place->path, text,
                       did_you_mean(arena, suggestion.best), kinds);
    }
}

static void read_tagged(const struct place *place, struct node *mapping)
{
    const struct variant *variant = field_variant(place->field, mapping);
    if (variant == NULL) {
        complain_of_tag(place, mapping);
        return;
    }
    store(place, mapping, &variant->value, sizeof variant->value);
    read_keys(place->context, variant->fields, "kind", mapping, place->path,
              (char *)place->object + variant->offset);
}

static const char *node_noun(const struct node *node)
{
    return node->kind == NODE_LIST      ? "a list"
           : node->kind == NODE_MAPPING ? "a mapping"
                                        : "a single value";
}

/* What YAML shape a kind of field is written in. */
static enum node_kind shape_of(enum field_kind kind)
{
    if (kind == FIELD_LIST) {
        return NODE_LIST;
    }
    bool is_mapping = kind == FIELD_MAPPING || kind == FIELD_TAGGED || kind == FIELD_KEYS;
    return is_mapping ? NODE_MAPPING : NODE_SCALAR;
}

static void read_field(const struct place *place, struct node *node)
{
    enum field_kind kind = place->field->kind;
    enum node_kind shape = shape_of(kind);
    if (node->kind == NODE_INVALID) {
        return;
    }
    bool nothing = node->kind == NODE_SCALAR && node->text[0] == '\0' && !node->quoted;
    if (node->kind != shape || nothing) {
        DIAGNOSE_ERROR(place->context->diagnostics, node->mark, "%s: %s %s; expected %s",
                       place->path, nothing ? "has" : "is", nothing ? "no value" : node_noun(node),
                       field_expects(place->context->arena, place->field));
        return;
    }
    if (shape == NODE_SCALAR) {
        require_source(place, node);
    }
    switch (kind) {
    case FIELD_COUNT:
    case FIELD_TOKENS:
        read_count(place, node);
        return;
    case FIELD_NUMBER:
    case FIELD_MEAN_TOKENS:
    case FIELD_SECONDS:
    case FIELD_BYTES:
    case FIELD_BYTES_PER_SECOND:
    case FIELD_FLOPS_PER_SECOND:
    case FIELD_HERTZ:
    case FIELD_WATTS:
    case FIELD_JOULES:
    case FIELD_PER_SECOND:
        read_number(place, node);
        return;
    case FIELD_SIZES:
        read_sizes(place, node);
        return;
    case FIELD_BOOLEAN:
        read_boolean(place, node);
        return;
    case FIELD_CHOICE:
        read_choice(place, node);
        return;
    case FIELD_NAME:
    case FIELD_STRING:
    case FIELD_INPUT_FILE:
    case FIELD_OUTPUT_FILE:
        read_text(place, node);
        return;
    case FIELD_MAPPING:
        fields_read(place->context, place->field->fields, node, place->path,
                    (char *)place->object + place->field->offset);
        return;
    case FIELD_TAGGED:
        read_tagged(place, node);
        return;
    case FIELD_LIST:
        read_list(place, node);
        return;
    case FIELD_KEYS:
        store(place, node, &node, sizeof node);
        return;
    case FIELD_KIND_COUNT:
        break;
    }
    assert(false && "a field table row of a known kind");
}

void field_check(const struct field_context *context, const struct field *field, struct node *node,
                 const char *path)
{
    struct field unstored = *field;
    /* A count's width is its range; everything else is read into nothing. */
    if (field->kind == FIELD_COUNT || field->kind == FIELD_TOKENS) {
        unstored.max = field_largest(field);
    }
    unstored.size = 0;
    unstored.offset = 0;
    const struct place place = {.context = context, .field = &unstored, .path = path};
    read_field(&place, node);
}

/* A mapping that may be left out, and whose keys may all be left out, is there with its defaults.
 */
static bool has_required(const struct field *fields)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        bool inside = field->kind == FIELD_MAPPING && field->folder == NULL &&
                      has_required(field->fields); /* a file says all that it must */
        if (field->required || inside) {
            return true;
        }
    }
    return false;
}

static const struct mark default_mark = {.file = "default"};

/* What stands in for a key that is not there; NULL: nothing. */
static struct node *fallback_node(const struct place *place, const struct node *mapping)
{
    const struct field *field = place->field;
    struct arena *arena = place->context->arena;
    if (field->required) {
        const char *path = place->path;
        DIAGNOSE_ERROR(place->context->diagnostics, mapping->mark,
                       "missing required key '%s'; expected %s", path, field_expects(arena, field));
        return NULL;
    }
    if (field->kind == FIELD_MAPPING && !has_required(field->fields)) {
        return node_mapping(arena, default_mark, ORIGIN_DEFAULT);
    }
    if (field->fallback == NULL || shape_of(field->kind) != NODE_SCALAR) {
        return NULL;
    }
    return node_scalar(arena, field->fallback, default_mark, ORIGIN_DEFAULT);
}

/* What to try in place of a key that is none: one of like name, the page that lists them, or they
 * themselves where they are few. */
static const char *keys_to_try(const struct field_context *context, const struct field *fields,
                               const char *path, const char *key)
{
    enum { FEW = 8 };
    struct arena *arena = context->arena;
    const char *meant = reference_meant(context, fields, path, key), *list = "";
    if (meant != NULL) {
        return did_you_mean(arena, meant);
    }
    if (context->root != NULL && path[0] != '\0') {
        return arena_printf(arena, "; cpsim describe %s lists what it may have", path);
    }
    size_t count = 0;
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *joint = count == 0 ? "; expected " : field[1].key == NULL ? " or " : ", ";
        list = arena_printf(arena, "%s%s%s", list, joint, field->key);
        count++;
    }
    return count <= FEW ? list : "";
}

static void complain_of_unknown_keys(const struct field_context *context,
                                     const struct field *fields, const char *tag,
                                     const struct node *mapping, const char *path)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct node_entry *entry = &mapping->entries[i];
        bool is_tag = tag != NULL && strcmp(entry->key, tag) == 0;
        if (is_tag || field_find(fields, entry->key) != NULL) {
            continue;
        }
        const char *kind = reference_kind_of(context, path, entry->key);
        if (kind != NULL) {
            DIAGNOSE_ERROR(context->diagnostics, entry->key_mark,
                           "%s.%s: only kind: %s has this key", path, entry->key, kind);
            continue;
        }
        DIAGNOSE_ERROR(context->diagnostics, entry->key_mark, "unknown key '%.100s'%s%s%s",
                       entry->key, path[0] == '\0' ? "" : " in ", path,
                       keys_to_try(context, fields, path, entry->key));
    }
}

/* `tag` is a key that the caller has read already, NULL: none. */
static void read_keys(const struct field_context *context, const struct field *fields,
                      const char *tag, struct node *mapping, const char *path, void *object)
{
    complain_of_unknown_keys(context, fields, tag, mapping, path);
    bool says_any = mapping->count > 0; /* many are there for their defaults alone */
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *separator = path[0] == '\0' ? "" : ".";
        struct place place = {.context = context,
                              .field = field,
                              .path = arena_join(context->arena, path, separator, field->key),
                              .object = object};
        struct node *node = says_any ? node_get(mapping, field->key) : NULL;
        if (node == NULL) {
            node = fallback_node(&place, mapping);
            if (node == NULL) {
                continue;
            }
            node_append(context->arena, mapping, field->key, default_mark, node);
        }
        read_field(&place, node);
    }
}

void fields_read(const struct field_context *context, const struct field *fields,
                 struct node *mapping, const char *path, void *object)
{
    read_keys(context, fields, NULL, mapping, path, object);
}
