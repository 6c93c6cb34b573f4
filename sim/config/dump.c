/* SPDX-License-Identifier: MIT */
#include "sim/config/dump.h"

#include "sim/base/text.h"

#include <string.h>

enum { WIDEST_ALIGNED = 48 };

struct dump_line {
    const char *path;        /* "layout.tensor" */
    const char *text;        /* indentation, key and value */
    const struct node *node; /* the value; NULL: the line only opens a mapping or list */
};

struct dump {
    struct arena *arena;
    struct dump_line *lines; /* [count] */
    size_t count, capacity;
};

static void add_line(struct dump *dump, const char *path, const char *text, const struct node *node)
{
    if (dump->count == dump->capacity) {
        dump->capacity = dump->capacity == 0 ? 64 : 2 * dump->capacity;
        struct dump_line *larger = ARENA_ARRAY(dump->arena, struct dump_line, dump->capacity);
        if (dump->count > 0) {
            memcpy(larger, dump->lines, dump->count * sizeof *larger);
        }
        dump->lines = larger;
    }
    dump->lines[dump->count++] = (struct dump_line){.path = path, .text = text, .node = node};
}

/* Whether YAML reads an unquoted text back as it stands: a letter, digit or path first, and nothing
 * that ends or splits a plain scalar. */
static bool reads_back_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strlen(text);
    return length > 0 && strchr(letters, text[0]) != NULL && text[length - 1] != ' ' &&
           text[length - 1] != ':' && strstr(text, ": ") == NULL && strstr(text, " #") == NULL &&
           strpbrk(text, "\n\t\r\"\\") == NULL &&
           strspn(text, "\x20\x21\x22\x23\x24\x25\x26'()*+,-./"
                        "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRS"
                        "TUVWXYZ[\\]^_`abcdefghijklmnopqrstuvw"
                        "xyz{|}~") == length;
}

static const char *scalar_text(struct arena *arena, const struct node *node)
{
    struct text quoted = {.arena = arena};
    if (reads_back_plain(node->text)) {
        return node->text;
    }
    text_quote(&quoted, node->text);
    return quoted.bytes;
}

/* How a mapping's lines begin: the first of a list's item with "- ", the others indented alike. */
struct indent {
    unsigned depth;
    bool dash;
};

static const char *start_line(struct arena *arena, struct indent *indent)
{
    const char *start =
        arena_printf(arena, "%*s%s", (int)(2 * indent->depth), "", indent->dash ? "- " : "");
    if (indent->dash) {
        indent->dash = false;
        indent->depth++;
    }
    return start;
}

static void dump_mapping(struct dump *dump, const struct field *fields, const struct node *mapping,
                         const char *path, struct indent indent);

static void dump_field(struct dump *dump, const struct field *field, const struct node *node,
                       const char *path, struct indent *indent);

/* A tagged mapping that does not say which it is, as it is laid over one that does: keys of any. */
static void dump_untagged(struct dump *dump, const struct field *field, const struct node *node,
                          const char *path, struct indent indent)
{
    for (size_t i = 0; i < node->count; i++) {
        const char *key = node->entries[i].key;
        const struct field *row = NULL;
        for (const struct variant *of = field->variants; of->name != NULL && row == NULL; of++) {
            row = field_find(of->fields, key);
        }
        if (row != NULL) {
            dump_field(dump, row, node->entries[i].value,
                       arena_printf(dump->arena, "%s.%s", path, key), &indent);
        }
    }
}

static void dump_field(struct dump *dump, const struct field *field, const struct node *node,
                       const char *path, struct indent *indent)
{
    struct arena *arena = dump->arena;
    const char *start = start_line(arena, indent);
    if (node->kind == NODE_SCALAR) {
        add_line(dump, path,
                 arena_printf(arena, "%s%s: %s", start, field->key, scalar_text(arena, node)),
                 node);
        return;
    }
    bool empty = node->count == 0;
    const char *nothing = node->kind == NODE_LIST ? " []" : " {}";
    add_line(dump, path, arena_printf(arena, "%s%s:%s", start, field->key, empty ? nothing : ""),
             empty ? node : NULL);
    struct indent inside = {.depth = indent->depth + 1};
    if (field_has_keys(field)) {
        dump_mapping(dump, field->fields, node, path, inside);
    } else if (field->kind == FIELD_TAGGED && node_get(node, "kind") == NULL) {
        dump_untagged(dump, field, node, path, inside);
    } else if (field->kind == FIELD_TAGGED) {
        const struct field tag = {.key = "kind"};
        const struct variant *variant = field_variant(field, node);
        dump_field(dump, &tag, node_get(node, "kind"), arena_printf(arena, "%s.kind", path),
                   &inside);
        dump_mapping(dump, variant->fields, node, path, inside);
    }
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++) {
        const struct node *item = node->items[i];
        const char *item_path = arena_printf(arena, "%s.%zu", path, i);
        if (item->kind == NODE_MAPPING) {
            dump_mapping(dump, field->item->fields, item, item_path,
                         (struct indent){.depth = inside.depth, .dash = true});
        } else {
            add_line(dump, item_path,
                     arena_printf(arena, "%*s- %s", (int)(2 * inside.depth), "",
                                  scalar_text(arena, item)),
                     item);
        }
    }
}

static void dump_mapping(struct dump *dump, const struct field *fields, const struct node *mapping,
                         const char *path, struct indent indent)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const struct node *node = node_get(mapping, field->key);
        if (node != NULL) {
            const char *dot = path[0] == '\0' ? "" : ".";
            dump_field(dump, field, node,
                       arena_printf(dump->arena, "%s%s%s", path, dot, field->key), &indent);
        }
    }
}

/* "default", "scenarios/a.yaml:12", "--set layout.tensor=4". */
static const char *origin_of(struct arena *arena, const struct node *node)
{
    const struct mark *mark = &node->mark;
    if (node->origin == ORIGIN_SET) {
        return "--set";
    }
    return mark->line == 0 ? mark->file : arena_printf(arena, "%s:%u", mark->file, mark->line);
}

static size_t aligned_column(const struct dump *dump)
{
    size_t column = 0;
    for (size_t i = 0; i < dump->count; i++) {
        size_t length = strlen(dump->lines[i].text);
        bool counts = dump->lines[i].node != NULL && length <= WIDEST_ALIGNED;
        column = counts && length > column ? length : column;
    }
    return column + 2;
}

static struct dump dump_all(struct arena *arena, const struct field *fields,
                            const struct node *root)
{
    struct dump dump = {.arena = arena};
    dump_mapping(&dump, fields, root, "", (struct indent){.depth = 0});
    return dump;
}

const char *dump_yaml(struct arena *arena, const struct field *fields, const struct node *root,
                      enum dump_style style)
{
    struct dump dump = dump_all(arena, fields, root);
    size_t column = aligned_column(&dump);
    struct text text = {.arena = arena};
    for (size_t i = 0; i < dump.count; i++) {
        const struct dump_line *line = &dump.lines[i];
        text_add(&text, line->text);
        if (style == DUMP_ORIGINS && line->node != NULL) {
            text_add(&text, "  ");
            text_pad(&text, column);
            text_print(&text, "# %s", origin_of(arena, line->node));
        }
        text_add(&text, "\n");
    }
    return text.bytes;
}

const char *dump_json(struct arena *arena, const struct field *fields, const struct node *root)
{
    struct dump dump = dump_all(arena, fields, root);
    struct text text = {.arena = arena};
    const char *separator = "[\n";
    for (size_t i = 0; i < dump.count; i++) {
        const struct node *node = dump.lines[i].node;
        if (node == NULL || node->kind != NODE_SCALAR) {
            continue;
        }
        text_print(&text, "%s  {\"key\": \"%s\", \"value\": ", separator, dump.lines[i].path);
        text_quote(&text, node->text);
        text_add(&text, ", \"origin\": ");
        text_quote(&text, origin_of(arena, node));
        if (node->source != NULL) {
            text_add(&text, ", \"source\": ");
            text_quote(&text, node->source);
        }
        text_add(&text, "}");
        separator = ",\n";
    }
    text_add(&text, "\n]\n");
    return text.bytes;
}

/* A value behind "key:" or "-". */
static void add_value(struct text *text, const struct node *node, struct indent indent)
{
    if (node->kind == NODE_SCALAR) {
        text_print(text, " %s\n", scalar_text(text->arena, node));
        return;
    }
    if (node->count == 0) {
        text_add(text, node->kind == NODE_LIST ? " []\n" : " {}\n");
        return;
    }
    text_add(text, indent.depth == 0 ? "" : "\n");
    for (size_t i = 0; i < node->count; i++) {
        struct indent inside = {.depth = indent.depth + 1};
        if (node->kind == NODE_LIST) {
            text_print(text, "%*s-", (int)(2 * indent.depth), "");
            add_value(text, node->items[i], inside);
        } else {
            text_print(text, "%*s%s:", (int)(2 * indent.depth), "", node->entries[i].key);
            add_value(text, node->entries[i].value, inside);
        }
    }
}

const char *dump_tree(struct arena *arena, const struct node *root)
{
    struct text text = {.arena = arena};
    text_add(&text, "");
    add_value(&text, root, (struct indent){.depth = 0});
    return text.bytes;
}
