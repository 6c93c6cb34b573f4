/* SPDX-License-Identifier: MIT */
#include "sim/config/reference.h"

#include "sim/base/suggest.h"

#include <string.h>

enum { KEY_COLUMN = 30, VALUE_COLUMN = 62, DOC_COLUMN = 20 };

static const char *path_of(struct arena *arena, const char *path, const char *key)
{
    return path[0] == '\0' ? key : arena_printf(arena, "%s.%s", path, key);
}

struct walk {
    struct arena *arena;
    const struct field *root;
    reference_visit *visit;
    void *state;
};

/* Whether the scenario has the rows of that folder's files too: what a cluster says of its GPU
 * moves up, and a second piece of software has the rows of the first. */
static bool has_own_key(const struct field *root, const struct field *field)
{
    bool found = false;
    for (const struct field *own = root; own->key != NULL && field->folder != NULL; own++) {
        found = found || own->fields == field->fields;
    }
    return found;
}

/* Rows inside that are found nowhere else: what another mapping's keys are is told there. */
static bool has_own_rows(const struct field *field)
{
    return field_has_keys(field) &&
           (field->kind == FIELD_MAPPING || field->fields[0].kind == FIELD_KEYS);
}

static void walk_fields(const struct walk *walk, const struct field *fields, const char *path)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *own = path_of(walk->arena, path, field->key);
        walk->visit(walk->state, own, field);
        bool is_told = path[0] != '\0' && has_own_key(walk->root, field);
        if (has_own_rows(field) && !is_told) {
            walk_fields(walk, field->fields, own);
        } else if (field->kind == FIELD_LIST && field->item->kind == FIELD_MAPPING) {
            walk_fields(walk, field->item->fields, arena_printf(walk->arena, "%s.0", own));
        }
        for (const struct variant *variant = field->kind == FIELD_TAGGED ? field->variants : NULL;
             variant != NULL && variant->name != NULL; variant++) {
            walk_fields(walk, variant->fields, own);
        }
    }
}

void reference_walk(struct arena *arena, const struct field *fields, reference_visit *visit,
                    void *state)
{
    struct walk walk = {.arena = arena, .root = fields, .visit = visit, .state = state};
    walk_fields(&walk, fields, "");
}

const char *reference_values(struct arena *arena, const struct field *field)
{
    bool is_number = field_quantity(field->kind) != QUANTITY_NONE;
    const char *values = is_number ? field_noun(field->kind) : field_expects(arena, field);
    const char *range = field->max == 0.0 && field->min == 0.0 ? NULL : field_range(arena, field);
    if (field->kind == FIELD_MAPPING && field->folder == NULL) {
        return field->shorthand == NULL
                   ? "a mapping"
                   : arena_printf(arena, "a mapping, or its `%s` alone", field->shorthand);
    }
    if (range == NULL || (field->kind == FIELD_LIST && field->item->kind == FIELD_CHOICE)) {
        return values;
    }
    return field->kind == FIELD_LIST ? arena_printf(arena, "a list of %s", range)
                                     : arena_printf(arena, "%s, %s", values, range);
}

static const char *default_of(const struct field *field)
{
    if (field->required) {
        return "required";
    }
    return field->fallback == NULL ? "" : field->fallback;
}

/* A word and what it means beside it; below, where the word is too long. */
static void describe_word(struct text *text, const char *word, const char *doc, size_t width)
{
    text_add(text, word);
    text_add(text, strlen(word) < DOC_COLUMN - 1 ? "" : "\n");
    text_wrap(text, doc, DOC_COLUMN, width);
}

static void describe_choices(struct text *text, const struct field *field, size_t width)
{
    if (field->kind == FIELD_LIST) {
        field = field->item;
    }
    for (const struct choice *choice = field->choices; choice != NULL && choice->name != NULL;
         choice++) {
        describe_word(text, arena_printf(text->arena, "  %s", choice->name), choice->doc, width);
    }
    for (const struct preset *preset = field->presets; preset != NULL && preset->name != NULL;
         preset++) {
        describe_word(text, arena_printf(text->arena, "  preset: %s", preset->name), preset->doc,
                      width);
    }
}

/* What a key may be stands beside it, and its default where there is room, otherwise behind. */
static void list_keys(struct text *text, const struct field *fields, size_t indent, size_t width)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        text_pad(text, indent);
        text_add(text, field->key);
        text_add(text, " ");
        const char *values = reference_values(text->arena, field), *fallback = default_of(field);
        const char *word = field->required || fallback[0] == '\0' ? "" : "default ";
        size_t taken = KEY_COLUMN + strlen(values) + 2;
        size_t column = taken > VALUE_COLUMN ? taken : VALUE_COLUMN;
        if (fallback[0] != '\0' && column + strlen(word) + strlen(fallback) <= width) {
            text_pad(text, KEY_COLUMN);
            text_print(text, "%s  ", values);
            text_pad(text, VALUE_COLUMN);
            text_print(text, "%s%s\n", word, fallback);
        } else {
            text_wrap(text,
                      fallback[0] == '\0'
                          ? values
                          : arena_printf(text->arena, "%s; %s%s", values, word, fallback),
                      KEY_COLUMN, width);
        }
    }
}

static void describe_inside(struct text *text, const struct field *field, size_t width)
{
    if (field->kind == FIELD_LIST && field->item->kind == FIELD_MAPPING) {
        text_add(text, "\nIn every item:\n");
        field = field->item;
    }
    if (field_has_keys(field)) {
        list_keys(text, field->fields, 2, width);
    }
    for (const struct variant *variant = field->kind == FIELD_TAGGED ? field->variants : NULL;
         variant != NULL && variant->name != NULL; variant++) {
        text_print(text, "\nkind: %s\n", variant->name);
        text_wrap(text, variant->doc, 2, width);
        list_keys(text, variant->fields, 2, width);
    }
}

const char *alias_path(const struct alias *aliases, const char *word)
{
    for (const struct alias *alias = aliases; alias != NULL && alias->path != NULL; alias++) {
        if (suggest_is_among(alias->words, word)) {
            return alias->path;
        }
    }
    return NULL;
}

struct elsewhere {
    const char *word, *best;
};

/* The key of that name that lies least deep. */
static void consider_elsewhere(void *state, const char *path, const struct field *field)
{
    struct elsewhere *elsewhere = state;
    if (suggest_is_among(field->key, elsewhere->word) &&
        (elsewhere->best == NULL || strlen(path) < strlen(elsewhere->best))) {
        elsewhere->best = path;
    }
}

/* Of a path of the mapping's own the key alone. */
static const char *as_seen_from(const char *mapping, const char *path)
{
    size_t length = strlen(mapping);
    bool own = strncmp(path, mapping, length) == 0 && path[length] == '.' &&
               strchr(path + length + 1, '.') == NULL;
    return own ? path + length + 1 : path;
}

const char *reference_meant(const struct field_context *context, const struct field *fields,
                            const char *path, const char *word)
{
    struct suggestion suggestion = {.word = word};
    for (const struct field *field = fields; field->key != NULL; field++) {
        suggestion_consider(&suggestion, field->key);
    }
    const char *alias = alias_path(context->aliases, word);
    if (alias != NULL) {
        return as_seen_from(path, alias);
    }
    struct elsewhere elsewhere = {.word = word};
    if (context->root != NULL && (suggestion.best == NULL || suggestion.distance > 1)) {
        reference_walk(context->arena, context->root, consider_elsewhere, &elsewhere);
    }
    return elsewhere.best != NULL ? elsewhere.best : suggestion.best;
}

const char *reference_kind_of(const struct field_context *context, const char *path,
                              const char *key)
{
    const struct field *field =
        context->root == NULL || path[0] == '\0' ? NULL : field_find_path(context->root, path);
    for (const struct variant *variant =
             field == NULL || field->kind != FIELD_TAGGED ? NULL : field->variants;
         variant != NULL && variant->name != NULL; variant++) {
        if (field_find(variant->fields, key) != NULL) {
            return variant->name;
        }
    }
    return NULL;
}

struct search {
    struct text *text;
    const struct alias *aliases;
    const char *word;
    size_t width, found;
};

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Whether the text has the word, in any case, where a word begins. */
static bool speaks_of(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        bool begins = at == text || strchr(" _-.,:;('`/", at[-1]) != NULL;
        size_t same = 0;
        while (begins && same < length && lower(at[same]) == lower(word[same])) {
            same++;
        }
        if (begins && same == length) {
            return true;
        }
    }
    return false;
}

static bool alias_speaks_of(const struct alias *aliases, const char *path, const char *word)
{
    for (const struct alias *alias = aliases; alias != NULL && alias->path != NULL; alias++) {
        if (strcmp(alias->path, path) == 0 && speaks_of(alias->words, word)) {
            return true;
        }
    }
    return false;
}

static void search_key(void *state, const char *path, const struct field *field)
{
    struct search *search = state;
    const char *word = search->word;
    bool found = speaks_of(field->key, word) || speaks_of(field->doc, word) ||
                 alias_speaks_of(search->aliases, path, word);
    for (const struct choice *choice = field->choices; choice != NULL && choice->name != NULL;
         choice++) {
        found |= speaks_of(choice->name, word) || speaks_of(choice->doc, word);
    }
    for (const struct preset *preset = field->presets; preset != NULL && preset->name != NULL;
         preset++) {
        found |= speaks_of(preset->name, word) || speaks_of(preset->doc, word) ||
                 speaks_of(preset->also, word);
    }
    if (found) {
        search->found++;
        text_print(search->text, "  %s ", path);
        text_pad(search->text, KEY_COLUMN);
        text_wrap(search->text, field->doc, KEY_COLUMN, search->width);
    }
}

size_t reference_search(struct text *text, const struct field *fields, const struct alias *aliases,
                        const char *word, size_t width)
{
    struct search search = {.text = text, .aliases = aliases, .word = word, .width = width};
    if (strlen(word) >= 2) {
        reference_walk(text->arena, fields, search_key, &search);
    }
    return search.found;
}

static void consider_key(void *state, const char *path, const struct field *field)
{
    struct suggestion *suggestion = state;
    suggestion_consider(suggestion, path);
    if (strcmp(suggestion->word, field->key == NULL ? "" : field->key) == 0) {
        suggestion->best = path; /* the last part of the path is the whole of what was asked */
        suggestion->distance = 0;
    }
}

bool reference_describe(struct text *text, const struct field *fields, const char *path,
                        size_t width, const char **nearest)
{
    struct arena *arena = text->arena;
    const struct field *field = field_find_path(fields, path);
    /* `preset` and `use` are no rows, and can be said and set where there are presets and files. */
    const char *last = strrchr(path, '.');
    if (field == NULL && last != NULL) {
        bool preset = strcmp(last, ".preset") == 0, use = strcmp(last, ".use") == 0;
        const char *whole = arena_printf(arena, "%.*s", (int)(last - path), path);
        const struct field *around = preset || use ? field_find_path(fields, whole) : NULL;
        if (around != NULL && (preset ? around->presets != NULL : around->folder != NULL)) {
            field = around;
            path = whole;
        }
    }
    if (field == NULL) {
        struct suggestion suggestion = {.word = path};
        reference_walk(arena, fields, consider_key, &suggestion);
        *nearest = suggestion.best;
        return false;
    }
    text_print(text, "%s: %s", path, reference_values(arena, field));
    const char *fallback = default_of(field);
    if (fallback[0] != '\0') {
        text_print(text, "; %s%s", field->required ? "" : "default ", fallback);
    }
    text_add(text, "\n");
    text_wrap(text, field->doc, 2, width);
    describe_choices(text, field, width);
    describe_inside(text, field, width);
    return true;
}

static void tree_of(struct text *text, const struct field *fields, size_t depth, size_t width)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        text_pad(text, 2 * depth);
        text_add(text, field->key);
        text_add(text, " ");
        text_pad(text, 22);
        text_wrap(text, field->doc, 22, width);
        if (has_own_rows(field) && field->folder == NULL) {
            tree_of(text, field->fields, depth + 1, width);
        } else if (field->kind == FIELD_LIST && field->item->kind == FIELD_MAPPING) {
            tree_of(text, field->item->fields, depth + 1, width);
        }
        for (const struct variant *variant = field->kind == FIELD_TAGGED ? field->variants : NULL;
             variant != NULL && variant->name != NULL; variant++) {
            text_pad(text, 2 * depth + 2);
            text_print(text, "kind: %s\n", variant->name);
            tree_of(text, variant->fields, depth + 1, width);
        }
    }
}

void reference_tree(struct text *text, const struct field *fields, size_t width)
{
    tree_of(text, fields, 0, width);
}
