/* SPDX-License-Identifier: MIT */
#include "sim/config/yaml_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *file;
    enum node_origin origin;
    yaml_parser_t parser;
};

static struct mark mark_at(const struct reader *reader, yaml_mark_t place)
{
    struct mark mark = {.file = reader->file};
    if (reader->origin != ORIGIN_SET && reader->origin != ORIGIN_PRESET) {
        mark.line = (unsigned)place.line + 1;
        mark.column = (unsigned)place.column + 1;
    }
    return mark;
}

static struct node *node_new(struct arena *arena, enum node_kind kind, struct mark mark,
                             enum node_origin origin)
{
    struct node *node = ARENA_NEW(arena, struct node);
    node->kind = kind;
    node->mark = mark;
    node->origin = origin;
    return node;
}

struct node *node_scalar(struct arena *arena, const char *text, struct mark mark,
                         enum node_origin origin)
{
    struct node *node = node_new(arena, NODE_SCALAR, mark, origin);
    node->text = text;
    return node;
}

struct node *node_mapping(struct arena *arena, struct mark mark, enum node_origin origin)
{
    return node_new(arena, NODE_MAPPING, mark, origin);
}

struct node_entry *node_entry(const struct node *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != NODE_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        const char *own = mapping->entries[i].key;
        if (own[0] == key[0] && strcmp(own, key) == 0) {
            return &mapping->entries[i];
        }
    }
    return NULL;
}

struct node *node_copy(struct arena *arena, const struct node *node)
{
    struct node *copy = ARENA_NEW(arena, struct node);
    *copy = *node;
    copy->capacity = node->count;
    if (node->kind == NODE_MAPPING && node->count > 0) {
        copy->entries = ARENA_ARRAY(arena, struct node_entry, node->count);
        for (size_t i = 0; i < node->count; i++) {
            copy->entries[i] = node->entries[i];
            copy->entries[i].value = node_copy(arena, node->entries[i].value);
        }
    } else if (node->kind == NODE_LIST && node->count > 0) {
        copy->items = ARENA_ARRAY(arena, struct node *, node->count);
        for (size_t i = 0; i < node->count; i++) {
            copy->items[i] = node_copy(arena, node->items[i]);
        }
    }
    return copy;
}

void node_keep_numbers(struct arena *arena, struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        node->number = ARENA_NEW(arena, struct node_number);
        *node->number = (struct node_number){.text = node->text, .kind = -1};
    }
    for (size_t i = 0; i < node->count; i++) {
        node_keep_numbers(arena,
                          node->kind == NODE_MAPPING ? node->entries[i].value : node->items[i]);
    }
}

struct node *node_get(const struct node *mapping, const char *key)
{
    const struct node_entry *entry = node_entry(mapping, key);
    return entry == NULL ? NULL : entry->value;
}

/* Makes room for one more entry or item of `size` bytes; doubling keeps the arena's waste linear.
 */
static void *grow(struct arena *arena, void *array, struct node *node, size_t size)
{
    if (node->count < node->capacity) {
        return array;
    }
    node->capacity = node->capacity == 0 ? 8 : 2 * node->capacity;
    void *larger = arena_array(arena, node->capacity, size);
    if (node->count > 0) {
        memcpy(larger, array, node->count * size);
    }
    return larger;
}

void node_append(struct arena *arena, struct node *mapping, const char *key, struct mark key_mark,
                 struct node *value)
{
    mapping->entries = grow(arena, mapping->entries, mapping, sizeof *mapping->entries);
    mapping->entries[mapping->count++] =
        (struct node_entry){.key = key, .key_mark = key_mark, .value = value};
}

void node_put(struct arena *arena, struct node *mapping, const char *key, struct mark key_mark,
              struct node *value)
{
    struct node_entry *entry = node_entry(mapping, key);
    if (entry == NULL) {
        node_append(arena, mapping, key, key_mark, value);
    } else {
        *entry = (struct node_entry){.key = key, .key_mark = key_mark, .value = value};
    }
}

struct node *node_take(struct node *mapping, const char *key)
{
    struct node_entry *entry = node_entry(mapping, key);
    if (entry == NULL) {
        return NULL;
    }
    struct node *value = entry->value;
    size_t after = mapping->count - (size_t)(entry - mapping->entries) - 1;
    memmove(entry, entry + 1, after * sizeof *entry);
    mapping->count--;
    return value;
}

struct node *node_find(struct node *root, const char *path)
{
    struct node *node = root;
    while (node != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        char key[64];
        if (length >= sizeof key) {
            return NULL;
        }
        memcpy(key, path, length);
        key[length] = '\0';
        if (node->kind == NODE_LIST) {
            char *end = NULL;
            unsigned long index = strtoul(key, &end, 10);
            node = *end == '\0' && index < node->count ? node->items[index] : NULL;
        } else {
            node = node_get(node, key);
        }
        path += length + (path[length] == '.');
    }
    return node;
}

struct node *node_overlay(struct arena *arena, struct node *base, struct node *top)
{
    if (base == NULL || base->kind != NODE_MAPPING || top->kind != NODE_MAPPING ||
        node_get(top, "use") != NULL) {
        return top;
    }
    for (size_t i = 0; i < top->count; i++) {
        const struct node_entry *entry = &top->entries[i];
        struct node *below = node_get(base, entry->key);
        struct node *value =
            below == NULL ? entry->value : node_overlay(arena, below, entry->value);
        node_put(arena, base, entry->key, entry->key_mark, value);
    }
    return base;
}

/* Parser errors name a place and a problem, sometimes a context ("while scanning ..."). */
static void complain_of_syntax(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
    if (parser->error == YAML_READER_ERROR) {
        DIAGNOSE_ERROR(reader->diagnostics, (struct mark){.file = reader->file},
                       "not a YAML text: %s at byte %zu; expected UTF-8", problem,
                       parser->problem_offset);
        return;
    }
    struct mark mark = mark_at(reader, parser->problem_mark);
    DIAGNOSE_ERROR(reader->diagnostics, mark, "YAML syntax: %s%s%s", problem,
                   parser->context == NULL ? "" : " ",
                   parser->context == NULL ? "" : parser->context);
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event) == 0) {
        complain_of_syntax(reader);
        return false;
    }
    return true;
}

static struct node *read_value(struct reader *reader, const yaml_event_t *event, unsigned depth);

static struct node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct mark mark = mark_at(reader, event->start_mark);
    const char *bytes = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct node *node = node_new(reader->arena, NODE_SCALAR, mark, reader->origin);
    if (memchr(bytes, '\0', length) != NULL) {
        DIAGNOSE_ERROR(reader->diagnostics, mark, "a text with a NUL character in it");
        node->kind = NODE_INVALID;
        return node;
    }
    node->text = arena_strdup(reader->arena, bytes);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return node;
}

static bool read_list(struct reader *reader, struct node *list, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            return false;
        }
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        struct node *item = end ? NULL : read_value(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (end || item == NULL) {
            return end;
        }
        list->items = grow(reader->arena, list->items, list, sizeof(struct node *));
        list->items[list->count++] = item;
    }
}

/* Puts one key and value into a mapping; complains of a key that is a list, or that came before. */
static bool add_entry(struct reader *reader, struct node *mapping, const struct node *key,
                      struct node *value)
{
    if (key->kind != NODE_SCALAR) {
        if (key->kind != NODE_INVALID) {
            DIAGNOSE_ERROR(reader->diagnostics, key->mark, "a key must be a word");
        }
        return true;
    }
    const struct node_entry *earlier = node_entry(mapping, key->text);
    if (earlier != NULL) {
        unsigned line = earlier->key_mark.line;
        DIAGNOSE_ERROR(reader->diagnostics, key->mark, "key '%.100s' is here twice%s", key->text,
                       line == 0 ? "" : arena_printf(reader->arena, " (first in line %u)", line));
        return true;
    }
    if (mapping->count == YAML_MAX_KEYS) {
        DIAGNOSE_ERROR(reader->diagnostics, key->mark, "more than %d keys in one mapping",
                       YAML_MAX_KEYS);
        return false;
    }
    node_put(reader->arena, mapping, key->text, key->mark, value);
    return true;
}

static bool read_mapping(struct reader *reader, struct node *mapping, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            return false;
        }
        bool end = event.type == YAML_MAPPING_END_EVENT;
        struct node *key = end ? NULL : read_value(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (end || key == NULL) {
            return end;
        }
        if (!next_event(reader, &event)) {
            return false;
        }
        struct node *value = read_value(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (value == NULL || !add_entry(reader, mapping, key, value)) {
            return false;
        }
    }
}

static void refuse_anchor_and_tag(const struct reader *reader, struct mark mark,
                                  const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        DIAGNOSE_ERROR(reader->diagnostics, mark,
                       "anchors (&%.40s) are not understood; write the value out where it is used",
                       (const char *)anchor);
    }
    if (tag != NULL) {
        DIAGNOSE_ERROR(reader->diagnostics, mark,
                       "tags (%.40s) are not understood; the key says what kind of value it takes",
                       (const char *)tag);
    }
}

/* The value that begins with `event`; NULL when reading cannot go on (an error has been added). */
static struct node *read_value(struct reader *reader, const yaml_event_t *event, unsigned depth)
{
    struct mark mark = mark_at(reader, event->start_mark);
    if (depth > YAML_MAX_DEPTH) {
        DIAGNOSE_ERROR(reader->diagnostics, mark, "nested more than %d deep", YAML_MAX_DEPTH);
        return NULL;
    }
    if (event->type == YAML_ALIAS_EVENT) {
        DIAGNOSE_ERROR(reader->diagnostics, mark,
                       "aliases (*%.40s) are not understood; write the value out",
                       (const char *)event->data.alias.anchor);
        return node_new(reader->arena, NODE_INVALID, mark, reader->origin);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        refuse_anchor_and_tag(reader, mark, event->data.scalar.anchor, event->data.scalar.tag);
        return read_scalar(reader, event);
    }
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    refuse_anchor_and_tag(reader, mark,
                          is_list ? event->data.sequence_start.anchor
                                  : event->data.mapping_start.anchor,
                          is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
    struct node *node =
        node_new(reader->arena, is_list ? NODE_LIST : NODE_MAPPING, mark, reader->origin);
    bool whole = is_list ? read_list(reader, node, depth) : read_mapping(reader, node, depth);
    return whole ? node : NULL;
}

/* From the start of the stream to its end: exactly one document. */
static struct node *read_stream(struct reader *reader)
{
    struct node *root = NULL;
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            return NULL;
        }
        yaml_event_type_t type = event.type;
        struct mark mark = mark_at(reader, event.start_mark);
        bool is_value = type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                        type == YAML_MAPPING_START_EVENT || type == YAML_ALIAS_EVENT;
        struct node *value = is_value && root == NULL ? read_value(reader, &event, 0) : NULL;
        yaml_event_delete(&event);
        if (is_value && root != NULL) {
            DIAGNOSE_ERROR(reader->diagnostics, mark, "a second document; expected one a file");
            return root;
        }
        if (is_value && value == NULL) {
            return NULL;
        }
        root = is_value ? value : root;
        if (type == YAML_STREAM_END_EVENT) {
            return root;
        }
    }
}

struct node *yaml_tree_parse(struct arena *arena, const char *bytes, size_t size, const char *file,
                             enum node_origin origin, struct diagnostics *diagnostics)
{
    struct reader reader = {
        .arena = arena, .diagnostics = diagnostics, .file = file, .origin = origin};
    size_t errors_before = diagnostics_error_count(diagnostics);
    if (size > YAML_MAX_BYTES) {
        DIAGNOSE_ERROR(diagnostics, (struct mark){.file = file},
                       "larger than %d KiB; expected a scenario or a data file",
                       YAML_MAX_BYTES / 1024);
        return NULL;
    }
    if (yaml_parser_initialize(&reader.parser) == 0) {
        DIAGNOSE_ERROR(diagnostics, (struct mark){.file = file}, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
    struct node *root = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    if (root == NULL && diagnostics_error_count(diagnostics) == errors_before) {
        DIAGNOSE_ERROR(diagnostics, (struct mark){.file = file},
                       "empty; expected keys such as 'schema: 1' (cpsim describe lists them)");
    }
    return root;
}
