/* SPDX-License-Identifier: MIT
 * cpsim scenarios: the scenarios, sweeps and plans that came with cpsim, each of which the other
 * commands find by its name. */
#include "sim/cli/cli.h"

#include "sim/base/file.h"
#include "sim/base/suggest.h"
#include "sim/config/find.h"
#include "sim/config/yaml_tree.h"

static const struct {
    const char *folder, *heading;
} parts[] = {
    {"scenarios", "scenarios: cpsim NAME, or cpsim scenarios/NAME.yaml"},
    {"scenarios/sweeps", "sweeps: cpsim sweep NAME -o FOLDER"},
    {"scenarios/plans", "plans: cpsim plan NAME -o FOLDER"},
};
enum { PART_COUNT = sizeof parts / sizeof *parts };

const char *scenario_file(struct arena *arena, const char *operand)
{
    const char *folders[PART_COUNT + 1] = {0};
    for (size_t i = 0; i < PART_COUNT; i++) {
        folders[i] = parts[i].folder;
    }
    struct find_path path = find_path(arena, NULL);
    return find_given(arena, &path, folders, operand);
}

void scenario_consider(struct arena *arena, struct suggestion *suggestion)
{
    struct find_path path = find_path(arena, NULL);
    for (size_t part = 0; part < PART_COUNT; part++) {
        struct found_file *files = NULL;
        size_t count = find_all(arena, &path, parts[part].folder, &files);
        for (size_t i = 0; i < count; i++) {
            suggestion_consider(suggestion, files[i].name);
        }
    }
}

/* What the file says of itself; "" when it cannot be read, which running it will explain. */
static const char *title_of(struct arena *arena, const char *path)
{
    struct diagnostics *ignored = diagnostics_create();
    size_t size = 0;
    const char *bytes = file_read(arena, path, YAML_MAX_BYTES, "a YAML file", &size, ignored);
    const struct node *tree =
        bytes == NULL ? NULL : yaml_tree_parse(arena, bytes, size, path, ORIGIN_SCENARIO, ignored);
    const struct node *title = tree == NULL ? NULL : node_get(tree, "title");
    const char *text = title == NULL || title->text == NULL ? "" : title->text;
    diagnostics_destroy(ignored);
    return text;
}

static void list_part(struct text *text, size_t part, bool json, bool *first)
{
    struct arena *arena = text->arena;
    struct find_path path = find_path(arena, NULL);
    struct found_file *files = NULL;
    size_t count = find_all(arena, &path, parts[part].folder, &files);
    if (!json && count > 0) {
        text_print(text, "%s%s\n", part == 0 ? "" : "\n", parts[part].heading);
    }
    for (size_t i = 0; i < count; i++) {
        const char *title = title_of(arena, files[i].path);
        if (json) {
            text_print(text, "%s\n  {\"name\": ", *first ? "[" : ",");
            text_quote(text, arena_printf(arena, "%s/%s.yaml", parts[part].folder, files[i].name));
            text_add(text, ", \"title\": ");
            text_quote(text, title);
            text_add(text, ", \"path\": ");
            text_quote(text, files[i].path);
            text_add(text, "}");
            *first = false;
        } else {
            text_print(text, "  %s  ", files[i].name);
            text_wrap(text, title, 30, 80);
        }
    }
}

static int list_scenarios(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct text text = {.arena = arena};
    bool first = true;
    text_add(&text, "");
    for (size_t i = 0; i < PART_COUNT; i++) {
        list_part(&text, i, invocation->json, &first);
    }
    if (invocation->json) {
        text_add(&text, first ? "[]\n" : "\n]\n");
    }
    int status = result_write(invocation->output, text.bytes, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_scenarios = {
    .name = "scenarios",
    .operands = "",
    .summary = "list the scenarios, sweeps and plans that came with cpsim",
    .doc = "Every command finds them by these names, from any directory; a file of that name in "
           "the working directory goes first.",
    .example = "cpsim scenarios",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .run = list_scenarios,
};
