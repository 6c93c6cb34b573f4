/* SPDX-License-Identifier: MIT */
#include "sim/arguments/dialect.h"

#include "sim/base/suggest.h"
#include "sim/config/dump.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 4096 };

/* --- values by path --- */

const char *import_get(const struct import *import, const char *key)
{
    const struct node *node = node_find(import->tree, key);
    return node == NULL || node->kind != NODE_SCALAR ? "" : node->text;
}

uint32_t import_count(const struct import *import, const char *key, uint32_t otherwise)
{
    const char *text = import_get(import, key);
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    return end == text || value == 0 || value > UINT32_MAX ? otherwise : (uint32_t)value;
}

void import_put(struct import *import, const char *key, const char *value)
{
    const struct mark mark = {.file = import->from};
    struct node *mapping = import->tree;
    const char *part = key;
    for (size_t length = strcspn(part, "."); part[length] != '\0'; length = strcspn(part, ".")) {
        const char *name = arena_printf(import->arena, "%.*s", (int)length, part);
        struct node *next = node_get(mapping, name);
        if (next == NULL || next->kind != NODE_MAPPING) {
            struct node *named = next; /* `software: vllm` is `software: {use: vllm}` */
            next = node_mapping(import->arena, mark, ORIGIN_SCENARIO);
            node_put(import->arena, mapping, name, mark, next);
            if (named != NULL && named->text[0] != '\0') {
                node_put(import->arena, next, "use", mark, named);
            }
        }
        mapping = next;
        part += length + 1;
    }
    struct node *there = node_get(mapping, part);
    if (there != NULL && there->kind == NODE_MAPPING) {
        mapping = there;
        part = "use";
    }
    node_put(import->arena, mapping, arena_strdup(import->arena, part), mark,
             node_scalar(import->arena, arena_strdup(import->arena, value), mark, ORIGIN_SCENARIO));
}

void import_take(struct import *import, const char *key)
{
    const char *dot = strrchr(key, '.');
    struct node *mapping =
        dot == NULL
            ? import->tree
            : node_find(import->tree, arena_printf(import->arena, "%.*s", (int)(dot - key), key));
    if (mapping != NULL) {
        node_take(mapping, dot == NULL ? key : dot + 1);
    }
}

void import_lose(struct import *import, const char *format, ...)
{
    char line[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_print(&import->lost, "#   %s\n", line);
}

void import_put_load(struct import *import)
{
    import_put(import, "workload.arrivals.kind", "closed-loop");
    import_put(import, "workload.arrivals.clients", "16");
    import_put(import, "workload.lengths.prompt.kind", "fixed");
    import_put(import, "workload.lengths.prompt.tokens", "1024 tokens");
    import_put(import, "workload.lengths.output.kind", "fixed");
    import_put(import, "workload.lengths.output.tokens", "128 tokens");
    import_lose(import, "what is in no argument and stands here as an example: cluster, "
                        "workload.arrivals, workload.lengths");
}

/* --- words, as a shell takes them apart --- */

struct words {
    const char **items; /* [count] */
    size_t count;
};

/* Whether a comment begins at `cursor`: a '#' that begins a word. */
static bool begins_comment(const char *start, const char *cursor)
{
    return *cursor == '#' && (cursor == start || strchr(" \t\r\n", cursor[-1]) != NULL);
}

/* Blanks, ends of lines behind a backslash, and comments. */
static const char *skip_between(const char *start, const char *cursor)
{
    for (;;) {
        if (begins_comment(start, cursor)) {
            cursor += strcspn(cursor, "\n");
        } else if (*cursor == '\\' && (cursor[1] == '\n' || cursor[1] == '\r')) {
            cursor += 2;
        } else if (*cursor != '\0' && strchr(" \t\r\n", *cursor) != NULL) {
            cursor++;
        } else {
            return cursor;
        }
    }
}

/* One word from the cursor on; NULL after a quote that nothing closes. */
static const char *read_word(const char *cursor, struct text *word)
{
    char quote = '\0';
    text_add(word, "");
    for (; *cursor != '\0'; cursor++) {
        if (quote == '\0' && strchr(" \t\r\n", *cursor) != NULL) {
            return cursor;
        }
        if (quote == '\0' && (*cursor == '\'' || *cursor == '"')) {
            quote = *cursor;
        } else if (quote != '\0' && *cursor == quote) {
            quote = '\0';
        } else if (*cursor == '\\' && quote != '\'' && cursor[1] != '\0') {
            text_append(word, ++cursor, 1);
        } else {
            text_append(word, cursor, 1);
        }
    }
    return quote == '\0' ? cursor : NULL;
}

static bool split(const struct import *import, const char *text, struct words *words)
{
    words->items = ARENA_ARRAY(import->arena, const char *, MOST_WORDS);
    for (const char *cursor = skip_between(text, text); *cursor != '\0';
         cursor = skip_between(text, cursor)) {
        struct text word = {.arena = import->arena};
        cursor = read_word(cursor, &word);
        struct mark mark = {.file = import->from};
        if (cursor == NULL || words->count == MOST_WORDS) {
            DIAGNOSE_ERROR(import->diagnostics, mark, "%s",
                           cursor == NULL ? "a quote is opened and never closed"
                                          : "more than 4096 words: this is no command line");
            return false;
        }
        words->items[words->count++] = word.bytes;
    }
    return true;
}

/* --- flags --- */

static bool is_named(const char *names, const char *word, size_t length)
{
    while (names != NULL && *names != '\0') {
        size_t name = strcspn(names, " ");
        if (name == length && strncmp(names, word, length) == 0) {
            return true;
        }
        names += name + strspn(names + name, " ");
    }
    return false;
}

/* vLLM and its like take '_' for '-'. */
static const char *plain_flag(struct arena *arena, const char *word)
{
    char *plain = arena_strdup(arena, word);
    for (char *c = plain + strspn(plain, "-"); *c != '\0' && *c != '='; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return plain;
}

static const char *plain_name(struct arena *arena, const char *name)
{
    return name == NULL ? NULL : plain_flag(arena, name);
}

static const struct flag *find_flag(const struct import *import, const char *word)
{
    size_t length = strcspn(word, "=");
    for (const struct flag *flag = import->dialect->flags; flag->name != NULL; flag++) {
        if (is_named(plain_name(import->arena, flag->name), word, length) ||
            is_named(flag->others, word, length)) {
            return flag;
        }
    }
    return NULL;
}

static bool is_listed(const struct import *import, const char *const *list, const char *word)
{
    size_t length = strcspn(word, "=");
    for (; list != NULL && *list != NULL; list++) {
        if (is_named(plain_name(import->arena, *list), word, length)) {
            return true;
        }
    }
    return false;
}

static bool is_number(const char *text)
{
    char *end = NULL;
    strtod(text, &end);
    return end != text && *end == '\0';
}

static bool is_flag(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !is_number(word);
}

static void put_value(struct import *import, const struct flag *flag, const char *value)
{
    if (flag->key == NULL) {
        return;
    }
    for (const struct flag_word *word = flag->words; word != NULL && word->theirs != NULL; word++) {
        if (strcmp(word->theirs, value) == 0) {
            import_put(import, flag->key, word->ours);
            return;
        }
    }
    if (flag->words != NULL) {
        import_lose(import, "%s %s: no value here is like it", flag->name, value);
    } else if (flag->unit != NULL) {
        import_put(import, flag->key, arena_printf(import->arena, "%s %s", value, flag->unit));
    } else {
        import_put(import, flag->key, value);
    }
}

/* Reads the flag at `*at`, and its value. */
static void read_flag(struct import *import, const struct words *words, size_t *at)
{
    const char *word = plain_flag(import->arena, words->items[*at]);
    const char *equals = strchr(words->items[*at], '=');
    const char *next = *at + 1 < words->count ? words->items[*at + 1] : NULL;
    const struct flag *flag = find_flag(import, word);
    bool listed = flag == NULL && is_listed(import, import->dialect->inert, word);
    bool alone = flag == NULL && is_listed(import, import->dialect->inert_switches, word);
    bool has_value = equals == NULL && next != NULL && !is_flag(next);
    if (flag != NULL && flag->on != NULL && equals == NULL) {
        import_put(import, flag->key, flag->on);
        return;
    }
    if (alone && equals == NULL) {
        return;
    }
    if (flag == NULL && !listed) {
        import_lose(import, "%s%s%s: not known here", words->items[*at], has_value ? " " : "",
                    has_value ? next : "");
    } else if (equals == NULL && !has_value) {
        import_lose(import, "%s: its value is missing", word);
    } else if (flag != NULL) {
        put_value(import, flag, equals != NULL ? equals + 1 : next);
    }
    *at += has_value;
}

/* What stands before the flags: the launcher and the program, and the model where it has no flag.
 */
static size_t read_head(struct import *import, const struct words *words)
{
    size_t at = 0;
    const char *command = import->dialect->command;
    for (; at < words->count && !is_flag(words->items[at]); at++) {
        const char *slash = strrchr(words->items[at], '/');
        const char *name = slash == NULL ? words->items[at] : slash + 1;
        if (is_named(command, name, strlen(name)) || strchr(words->items[at], '=') != NULL) {
            continue; /* VARIABLE=value before a command, too */
        }
        if (import->dialect->model_flag == NULL) {
            import_put(import, "model", words->items[at++]);
        }
        break;
    }
    return at;
}

static void put_absent(struct import *import)
{
    for (const struct flag *flag = import->dialect->flags; flag->name != NULL; flag++) {
        if (flag->key != NULL && flag->absent != NULL) {
            import_put(import, flag->key, flag->absent);
        }
    }
}

static void read_words(struct import *import, const struct words *words)
{
    for (size_t at = read_head(import, words); at < words->count; at++) {
        const char *word = words->items[at];
        if (is_flag(word)) {
            read_flag(import, words, &at);
        } else if (import->dialect->model_flag == NULL && import_get(import, "model")[0] == '\0') {
            import_put(import, "model", word);
        } else if (import->dialect->model_flag == NULL || strstr(word, ".py") == NULL) {
            import_lose(import, "%s: an argument of no flag", word);
        }
    }
}

const char *arguments_import(struct arena *arena, const struct dialect *dialect, const char *from,
                             const char *text, struct diagnostics *diagnostics)
{
    const struct mark mark = {.file = from};
    struct import import = {.arena = arena,
                            .dialect = dialect,
                            .from = from,
                            .tree = node_mapping(arena, mark, ORIGIN_SCENARIO),
                            .lost = {.arena = arena},
                            .diagnostics = diagnostics};
    struct words words = {.count = 0};
    text_add(&import.lost, "");
    if (!split(&import, text, &words)) {
        return NULL;
    }
    if (words.count == 0) {
        DIAGNOSE_ERROR(diagnostics, mark, "no arguments are there to read");
        return NULL;
    }
    import_put(&import, "schema", "1");
    import_put(&import, "title", arena_printf(arena, "As %s was started", dialect->command));
    import_put(&import, "model", "");
    import_put(&import, "cluster.use", "dgx-h100");
    import_put(&import, "software", dialect->software);
    import_put(&import, "workload.kind", dialect->workload);
    put_absent(&import);
    read_words(&import, &words);
    if (dialect->import != NULL) {
        dialect->import(&import);
    }
    const char *model = import_get(&import, "model");
    const struct node *own = node_get(import.tree, "model");
    if (model[0] == '\0' && (own == NULL || own->kind != NODE_MAPPING)) {
        DIAGNOSE_ERROR(diagnostics, mark, "no model is named; expected one, as in: %s",
                       dialect->model_flag == NULL
                           ? arena_printf(arena, "%s meta-llama/Llama-3.1-8B", dialect->command)
                           : dialect->model_flag);
        return NULL;
    }
    struct text whole = {.arena = arena};
    text_print(&whole, "# From %s's arguments.%s\n%s", dialect->doc,
               import.lost.length > 0 ? " Not carried over:" : " All of them are in it.",
               import.lost.bytes);
    text_add(&whole, dump_tree(arena, import.tree));
    return whole.bytes;
}
