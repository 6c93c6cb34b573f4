/* SPDX-License-Identifier: MIT */
#include "sim/scenario/hf/hf_reader.h"

#include "sim/scenario/hf/hf_families.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool says_nothing(const struct node *node)
{
    return node == NULL || node->kind == NODE_INVALID ||
           (node->kind == NODE_SCALAR && !node->quoted &&
            (strcmp(node->text, "null") == 0 || node->text[0] == '\0'));
}

/* The value of a key of at most 64 letters, "a" or "a.b". */
static const struct node *find(struct hf_reader *reader, const char *name, size_t length)
{
    char word[64];
    if (length >= sizeof word) {
        return NULL;
    }
    memcpy(word, name, length);
    word[length] = '\0';
    char *dot = strchr(word, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    for (size_t i = 0; i < reader->text->count; i++) {
        const struct node_entry *entry = &reader->text->entries[i];
        if (strcmp(entry->key, word) == 0) {
            reader->asked[i] = true;
            const struct node *node = dot == NULL ? entry->value : node_get(entry->value, dot + 1);
            return says_nothing(node) ? NULL : node;
        }
    }
    return NULL;
}

const struct node *hf_node(struct hf_reader *reader, const char *names)
{
    const struct node *found = NULL;
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, "|");
        const struct node *node = find(reader, at, length);
        found = found == NULL ? node : found; /* every alternative counts as asked for */
        at += length + (at[length] == '|');
    }
    return found;
}

bool hf_has(struct hf_reader *reader, const char *names)
{
    return hf_node(reader, names) != NULL;
}

/* "32" of the defaults "head_dim=32 tie_word_embeddings=true", ended by a space; NULL: none. */
static const char *default_of(const struct hf_reader *reader, const char *names)
{
    const char *defaults = reader->family->defaults;
    for (const char *at = names; defaults != NULL && *at != '\0';) {
        size_t length = strcspn(at, "|");
        for (const char *word = defaults; *word != '\0';) {
            size_t whole = strcspn(word, " ");
            if (strncmp(word, at, length) == 0 && word[length] == '=') {
                return word + length + 1;
            }
            word += whole + (word[whole] == ' ');
        }
        at += length + (at[length] == '|');
    }
    return NULL;
}

/* A null leaves nothing to the class's default. */
static bool is_there(const struct hf_reader *reader, const char *names)
{
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, "|");
        for (size_t i = 0; i < reader->text->count; i++) {
            const char *key = reader->text->entries[i].key;
            if (strlen(key) == length && strncmp(key, at, length) == 0) {
                return true;
            }
        }
        at += length + (at[length] == '|');
    }
    return false;
}

/* The scalar for the current layer; NULL: not said. */
static const char *scalar_of(struct hf_reader *reader, const char *names)
{
    const struct node *node = hf_node(reader, names);
    if (node != NULL && node->kind == NODE_LIST && node->count > 0) {
        node = node->items[reader->layer < node->count ? reader->layer : 0];
        node = says_nothing(node) ? NULL : node;
    }
    if (node != NULL) {
        return node->kind == NODE_SCALAR ? node->text : NULL;
    }
    return is_there(reader, names) ? NULL : default_of(reader, names);
}

double hf_number(struct hf_reader *reader, const char *names, double fallback)
{
    const char *text = scalar_of(reader, names);
    char *end = NULL;
    double value = text == NULL ? 0.0 : strtod(text, &end);
    return text == NULL || end == text ? fallback : value;
}

/* The one of some alternatives that the file says. */
static const char *said_name(struct hf_reader *reader, const char *names)
{
    const char *at = names;
    size_t length = strcspn(at, "|");
    while (at[length] != '\0' && find(reader, at, length) == NULL) {
        at += length + 1;
        length = strcspn(at, "|");
    }
    return arena_printf(reader->expansion->arena, "%.*s", (int)length, at);
}

uint32_t hf_count(struct hf_reader *reader, const char *names, uint32_t fallback)
{
    static const double MOST = 4294967294.0;
    const char *text = scalar_of(reader, names);
    if (text == NULL) {
        return fallback;
    }
    char *end;
    double value = strtod(text, &end);
    bool is_number = end != text && (*end == '\0' || *end == ' '); /* a space ends a default */
    if (!is_number || !(value >= -1.0 && value <= MOST) || value != floor(value)) {
        hf_refuse(reader, said_name(reader, names),
                  arena_printf(reader->expansion->arena,
                               "'%.40s' is no number of something; expected a whole number, at "
                               "most %.0f",
                               text, MOST));
        return 0;
    }
    return hf_whole(value);
}

uint32_t hf_whole(double value)
{
    return value >= 1.0 && value < 4294967295.0 ? (uint32_t)value : 0;
}

bool hf_flag(struct hf_reader *reader, const char *names, bool fallback)
{
    const char *text = scalar_of(reader, names);
    if (text == NULL) {
        return fallback;
    }
    return strncmp(text, "true", 4) == 0 || strncmp(text, "True", 4) == 0 ||
           strtod(text, NULL) != 0.0;
}

const char *hf_text(struct hf_reader *reader, const char *names)
{
    return scalar_of(reader, names);
}

bool hf_lists(struct hf_reader *reader, const char *names, uint32_t number)
{
    const struct node *list = hf_node(reader, names);
    for (size_t i = 0; list != NULL && list->kind == NODE_LIST && i < list->count; i++) {
        const struct node *item = list->items[i];
        if (item->kind == NODE_SCALAR && strtoul(item->text, NULL, 10) == number) {
            return true;
        }
    }
    return false;
}

uint32_t hf_node_count(const struct node *node)
{
    return hf_whole(node->kind == NODE_SCALAR ? strtod(node->text, NULL) : 0.0);
}

bool hf_item_flag(struct hf_reader *reader, const char *names)
{
    return hf_flag(reader, names, false);
}

void hf_refuse(struct hf_reader *reader, const char *key, const char *what)
{
    const struct node *node = key == NULL ? NULL : hf_node(reader, key);
    if (!reader->failed) {
        const struct node *type = node_get(reader->text, "model_type");
        struct mark mark = node != NULL   ? node->mark
                           : type != NULL ? type->mark
                                          : reader->text->mark;
        DIAGNOSE_ERROR(reader->expansion->diagnostics, mark, "%s: %s",
                       node == NULL ? "model_type" : key, what);
    }
    reader->failed = true;
}
