/* SPDX-License-Identifier: MIT */
#include "sim/scenario/hub.h"

#include "sim/scenario/expand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How names of checkpoints in other formats end. */
static const char *const formats[] = {"-FP8-dynamic",
                                      "-FP8-Dynamic",
                                      "-FP8-KV",
                                      "-FP8",
                                      "-NVFP4",
                                      "-MXFP4",
                                      "-FP4",
                                      "-AWQ",
                                      "-GPTQ-Int4",
                                      "-GPTQ",
                                      "-GPTQ-Int8",
                                      "-INT8",
                                      "-INT4",
                                      "-W4A16",
                                      "-quantized.w8a8",
                                      "-FP8-Static",
                                      "-FP8-block",
                                      "-FP4-v2",
                                      "-NVFP4-v2",
                                      "-AWQ-INT4",
                                      "-BF16",
                                      "-quantized.w4a16",
                                      "-MXFP4-Preview"};

const char *data_file_word(struct arena *arena, const char *path, const char *key)
{
    struct diagnostics *unheard = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = unheard};
    const struct node *root = expand_read_file(&expansion, path, ORIGIN_DATA);
    const struct node *node = root == NULL ? NULL : node_get(root, key);
    diagnostics_destroy(unheard);
    return node != NULL && node->kind == NODE_SCALAR ? node->text : NULL;
}

enum { DEEPEST_USE = 8 };

/* The file that a file says it uses, beside it; NULL: none. */
static const char *used_file(struct arena *arena, const char *path, const struct node *root)
{
    const struct node *use = root == NULL ? NULL : node_get(root, "use");
    return use == NULL || use->kind != NODE_SCALAR
               ? NULL
               : file_beside(arena, path, arena_printf(arena, "%s.yaml", use->text));
}

bool data_file_has(struct arena *arena, const char *path, const char *key)
{
    struct diagnostics *unheard = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = unheard};
    bool has = false;
    for (unsigned depth = 0; depth < DEEPEST_USE && path != NULL && !has; depth++) {
        const struct node *root = expand_read_file(&expansion, path, ORIGIN_DATA);
        has = root != NULL && node_get(root, key) != NULL;
        path = used_file(arena, path, root);
    }
    diagnostics_destroy(unheard);
    return has;
}

/* Below a node of a file that was read: as deep as YAML is nested, which the reader bounds. */
static bool is_counted(const struct node *node, const char *key)
{
    bool found = false;
    for (size_t i = 0; node->kind == NODE_MAPPING && i < node->count && !found; i++) {
        const struct node *value = node->entries[i].value;
        found = value->kind == NODE_SCALAR
                    ? strcmp(node->entries[i].key, key) == 0 && strtod(value->text, NULL) > 0.0
                    : is_counted(value, key);
    }
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count && !found; i++) {
        found = is_counted(node->items[i], key);
    }
    return found;
}

static bool is_among(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strcspn(at, " ") == length && strncmp(at, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_word(const struct node *node, const char *words)
{
    bool found = node->kind == NODE_SCALAR && is_among(words, node->text);
    for (size_t i = 0; node->kind == NODE_MAPPING && i < node->count && !found; i++) {
        found = has_word(node->entries[i].value, words);
    }
    return found;
}

bool data_file_says(struct arena *arena, const char *path, const char *key, const char *words)
{
    struct diagnostics *unheard = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = unheard};
    const struct node *node = NULL;
    for (unsigned depth = 0; depth < DEEPEST_USE && path != NULL && node == NULL; depth++) {
        const struct node *root = expand_read_file(&expansion, path, ORIGIN_DATA);
        node = root == NULL ? NULL : node_get(root, key);
        path = used_file(arena, path, root);
    }
    diagnostics_destroy(unheard);
    return node != NULL && has_word(node, words);
}

bool data_file_counts(struct arena *arena, const char *path, const char *key)
{
    struct diagnostics *unheard = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = unheard};
    bool found = false;
    for (unsigned depth = 0; depth < DEEPEST_USE && path != NULL && !found; depth++) {
        const struct node *root = expand_read_file(&expansion, path, ORIGIN_DATA);
        found = root != NULL && is_counted(root, key);
        path = used_file(arena, path, root);
    }
    diagnostics_destroy(unheard);
    return found;
}

/* The name's end that speaks of a format, without its dash; "": none. */
static const char *format_of(const char *name)
{
    size_t length = strlen(name), longest = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t ending = strlen(formats[i]);
        if (length > ending && ending > longest &&
            strcasecmp(name + length - ending, formats[i]) == 0) {
            longest = ending;
        }
    }
    return longest > 0 ? name + length - longest + 1 : "";
}

/* The name, or what follows its owner or a folder. */
static const char *without_owner(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

/* Without the slash at the end of a folder's path. */
static const char *without_slashes(struct arena *arena, const char *name)
{
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/') {
        length--;
    }
    return arena_printf(arena, "%.*s", (int)length, name);
}

const char *hub_plain_name(struct arena *arena, const char *name)
{
    return without_owner(without_slashes(arena, name));
}

/* Letters' case does not count, and a dash is an underscore. */
static bool alike(const char *one, const char *other, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int a = one[i] == '_' ? '-' : tolower((unsigned char)one[i]);
        int b = other[i] == '_' ? '-' : tolower((unsigned char)other[i]);
        if (a != b || a == '\0') {
            return false;
        }
    }
    return true;
}

static bool lists(const char *names, const char *name, size_t length, bool any_owner)
{
    for (const char *at = names; at != NULL; at = strstr(at, "; ")) {
        at += at == names ? 0 : 2;
        const char *slash = any_owner ? strchr(at, '/') : NULL;
        const char *own = slash != NULL ? slash + 1 : at;
        if (alike(own, name, length) && (own[length] == '\0' || own[length] == ';')) {
            return true;
        }
    }
    return false;
}

struct hub_name hub_find(struct arena *arena, const struct find_path *path, const char *name)
{
    name = without_slashes(arena, name);
    const char *format = format_of(name), *plain = without_owner(name);
    size_t whole = strlen(name), short_length = strlen(plain);
    if (format[0] != '\0') {
        short_length -= strlen(format) + 1;
    }
    struct found_file *files = NULL;
    size_t count = find_all(arena, path, "models/llm", &files);
    struct hub_name found = {.model = NULL, .format = format};
    for (size_t i = 0; i < count; i++) {
        const char *names = data_file_word(arena, files[i].path, "hub");
        if (found.model == NULL && strlen(files[i].name) == short_length &&
            alike(files[i].name, plain, short_length)) {
            found.model = files[i].path;
        }
        if (names == NULL) {
            continue;
        }
        if (lists(names, name, whole, false)) {
            return (struct hub_name){.model = files[i].path, .format = ""};
        }
        if (found.model == NULL && lists(names, plain, short_length, true)) {
            found.model = files[i].path;
        }
    }
    return found;
}
