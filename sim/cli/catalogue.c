/* SPDX-License-Identifier: MIT */
#include "sim/cli/catalogue.h"

#include "sim/base/suggest.h"
#include "sim/config/dump.h"
#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

#include <string.h>

struct catalogue {
    struct text text;
    struct diagnostics *diagnostics;
    bool json;
    size_t count;
};

static const char *title_of(const struct node *tree)
{
    const struct node *title = node_get(tree, "title");
    return title == NULL || title->text == NULL ? "" : title->text;
}

/* Keys and values, in the order of the tables. */
static void print_keys(struct text *text, const struct catalogue_part *part,
                       const struct node *tree, const char *path)
{
    const struct field *fields = field_find_path(scenario_fields, part->key)->fields;
    const char *yaml = dump_yaml(text->arena, fields, tree, DUMP_PLAIN);
    text_print(text, "  %s\n", path);
    while (*yaml != '\0') {
        size_t line = strcspn(yaml, "\n");
        text_print(text, "  %.*s\n", (int)line, yaml);
        yaml += line + (yaml[line] == '\n');
    }
}

static void print_file(struct catalogue *catalogue, const struct catalogue_part *part,
                       const struct found_file *file, bool at_length)
{
    struct text *text = &catalogue->text;
    struct arena *arena = text->arena;
    void *object = arena_array(arena, 1, part->object_size);
    const struct node *tree =
        data_file_load(arena, part->key, file->path, object, catalogue->diagnostics);
    if (tree == NULL) {
        return;
    }
    const struct node *own = node_get(tree, "name");
    const char *name = file->name != NULL ? file->name : own->text;
    const char *remark = part->remark == NULL ? "" : part->remark(arena, object);
    if (catalogue->json) {
        text_print(text, "%s\n  {\"kind\": \"%s\", \"name\": ", catalogue->count == 0 ? "[" : ",",
                   part->key);
        text_quote(text, name);
        text_add(text, ", \"title\": ");
        text_quote(text, title_of(tree));
        text_add(text, ", \"path\": ");
        text_quote(text, file->path);
        if (part->members != NULL) {
            part->members(text, object);
        }
        text_add(text, "}");
    } else if (at_length) {
        text_print(text, "%s%s  %s\n", catalogue->count == 0 ? "" : "\n", name, title_of(tree));
        if (part->lines != NULL) {
            part->lines(text, object);
        } else {
            print_keys(text, part, tree, file->path);
        }
    } else {
        size_t indent = part->heading == NULL ? 0 : 2;
        text_pad(text, indent);
        text_print(text, "%s  ", name);
        text_pad(text, indent + 24);
        text_print(text, "%s%s%s\n", title_of(tree), remark[0] == '\0' ? "" : ", ", remark);
    }
    catalogue->count++;
}

/* The files that operands name, as a scenario would name them. */
static void print_named(struct catalogue *catalogue, const struct catalogue_part *part,
                        const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const char *path = data_file_find(catalogue->text.arena, part->key, invocation->operands[i],
                                          catalogue->diagnostics);
        if (path != NULL) {
            print_file(catalogue, part, &(struct found_file){.path = path}, true);
        }
    }
}

/* The files of any part that have a name; of none, an error that says which is like it. */
static void print_everywhere(struct catalogue *catalogue, const struct find_path *path,
                             const struct catalogue_part *parts, size_t part_count,
                             const char *name)
{
    struct arena *arena = catalogue->text.arena;
    struct suggestion suggestion = {.word = name};
    size_t known = 0;
    for (size_t i = 0; i < part_count; i++) {
        struct found_file *files = NULL;
        size_t count =
            find_all(arena, path, field_find_path(scenario_fields, parts[i].key)->folder, &files);
        for (size_t j = 0; j < count; j++) {
            suggestion_consider(&suggestion, files[j].name);
            if (strcmp(files[j].name, name) == 0) {
                print_file(catalogue, &parts[i], &files[j], true);
                known++;
            }
        }
    }
    if (known == 0) {
        const char *best = suggestion.best;
        DIAGNOSE_ERROR(catalogue->diagnostics, ((struct mark){.file = "cpsim"}),
                       "'%s' is no name of the list%s%s%s", name,
                       best == NULL ? "" : " (did you mean '", best == NULL ? "" : best,
                       best == NULL ? "; cpsim platforms prints it" : "'?)");
    }
}

int catalogue_print(const struct invocation *invocation, const struct catalogue_part *parts,
                    size_t part_count)
{
    struct arena *arena = arena_create();
    struct catalogue catalogue = {
        .text = {.arena = arena}, .diagnostics = diagnostics_create(), .json = invocation->json};
    struct find_path path = find_path(arena, NULL);
    bool named = invocation->operand_count > 0;
    for (size_t i = 0; part_count > 1 && i < invocation->operand_count; i++) {
        print_everywhere(&catalogue, &path, parts, part_count, invocation->operands[i]);
    }
    if (named && part_count == 1) {
        print_named(&catalogue, &parts[0], invocation);
    }
    for (size_t i = 0; !named && i < part_count; i++) {
        const struct catalogue_part *part = &parts[i];
        struct found_file *files = NULL;
        size_t count =
            find_all(arena, &path, field_find_path(scenario_fields, part->key)->folder, &files);
        if (part->heading != NULL && !catalogue.json) {
            text_print(&catalogue.text, "%s%s\n", i == 0 ? "" : "\n", part->heading);
        }
        for (size_t j = 0; j < count; j++) {
            print_file(&catalogue, part, &files[j], false);
        }
    }
    if (catalogue.json) {
        text_add(&catalogue.text, catalogue.count == 0 ? "[]\n" : "\n]\n");
    }
    text_add(&catalogue.text, "");
    bool failed = diagnostics_error_count(catalogue.diagnostics) > 0;
    int status = invocation->json
                     ? result_write(invocation->output, catalogue.text.bytes, catalogue.diagnostics)
                     : result_write_folded(invocation, catalogue.text.bytes, catalogue.diagnostics);
    diagnostics_print(catalogue.diagnostics, stderr);
    diagnostics_destroy(catalogue.diagnostics);
    arena_destroy(arena);
    return status == EXIT_DONE && failed ? EXIT_WRONG_INPUT : status;
}
