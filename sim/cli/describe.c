/* SPDX-License-Identifier: MIT
 * cpsim describe [KEY]: what the keys of a scenario mean; cpsim describe figures: what a run finds.
 */
#include "sim/cli/cli.h"
#include "sim/config/reference.h"
#include "sim/figures/figure_page.h"
#include "sim/plan/conversations/node_plan.h"
#include "sim/plan/layouts/layout_file.h"
#include "sim/plan/plan_file.h"
#include "sim/run/run.h"
#include "sim/scenario/data_sheet.h"
#include "sim/scenario/tables.h"
#include "sim/sweep/sweep_file.h"

#include <string.h>

/* Other files than scenarios, whose keys go by the file's name: `sweep.axes.grid`. */
static const struct described_file {
    const char *name, *heading, *doc;
    const struct field *fields;
} files[] = {
    {"sweep", "Sweep files",
     "`cpsim sweep FILE -o FOLDER` runs a scenario at many points. Values on axes are checked by "
     "the rows of the scenario's own keys, as `--set` is.",
     sweep_fields},
    {"plan", "Plan files",
     "`cpsim plan FILE -o FOLDER` finds the cheapest layout of a service that keeps to its "
     "targets. "
     "The base is a scenario with a workload of kind `serving`.",
     plan_fields},
    {"training-plan", "Plan files over a training run",
     "`cpsim plan FILE -o FOLDER` finds the layout on which a training run takes least time, money "
     "or memory. The base is a scenario with a workload of kind `training`.",
     layout_plan_fields},
    {"node-plan", "Plan files over a conversation",
     "`cpsim plan FILE -o FOLDER` finds the fewest nodes on which a conversation keeps its "
     "targets. "
     "The base is a scenario with a workload of kind `conversation`.",
     node_plan_fields},
};

/* The file that a key names, and the rest of the key; NULL: it is a key of scenarios. */
static const struct described_file *find_file(const char *key, const char **rest)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t length = strlen(files[i].name);
        if (strncmp(key, files[i].name, length) == 0 &&
            (key[length] == '\0' || key[length] == '.')) {
            *rest = key + length + (key[length] == '.');
            return &files[i];
        }
    }
    return NULL;
}

static void describe_everything(struct text *text)
{
    reference_markdown(text, scenario_fields);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        reference_file_markdown(text, files[i].heading, files[i].doc, files[i].fields);
    }
}

/* False when there is no such key. */
static bool describe_one(struct text *text, const char *key, size_t width, const char **nearest)
{
    const char *rest = key;
    const struct described_file *file = find_file(key, &rest);
    const struct field *fields = file == NULL ? scenario_fields : file->fields;
    if (rest[0] == '\0') {
        reference_tree(text, fields, width);
        return true;
    }
    const char *last = strrchr(rest, '.');
    const char *word = last == NULL ? rest : last + 1;
    const char *alias = file == NULL ? alias_path(scenario_aliases, word) : NULL;
    rest = alias != NULL && field_find_path(fields, rest) == NULL ? alias : rest;
    bool known = reference_describe(text, fields, rest, width, nearest);
    const char *near = *nearest == NULL ? NULL : strrchr(*nearest, '.');
    bool meant = near != NULL && strcmp(near + 1, word) == 0;
    if (!known && file == NULL && !meant && last == NULL) {
        struct text found = {.arena = text->arena};
        size_t count = reference_search(&found, fields, scenario_aliases, word, width);
        for (size_t i = 0; workloads[i] != NULL; i++) {
            count += figures_search(&found, workloads[i]->tables, word);
        }
        if (count > 0) {
            text_print(text, "No key is called '%s'. These speak of it:\n%s", rest, found.bytes);
            return true;
        }
    }
    if (known && file == NULL && strcmp(rest, "model") == 0) {
        text_add(text, llm_example);
    }
    if (!known && file != NULL && *nearest != NULL) {
        *nearest = arena_printf(text->arena, "%s.%s", file->name, *nearest);
    }
    return known;
}

/* --- figures --- */

static const char figures_word[] = "figures";

static void describe_figures(struct text *text)
{
    for (size_t i = 0; workloads[i] != NULL; i++) {
        text_print(text, "%s%s\n\n", i == 0 ? "" : "\n", workloads[i]->heading);
        figures_list_names(text, workloads[i]->tables);
    }
}

/* The tables of docs/json-output.md. */
static void describe_figures_markdown(struct text *text)
{
    for (size_t i = 0; workloads[i] != NULL; i++) {
        text_print(text, "## %s\n\n", workloads[i]->heading);
        figures_markdown(text, workloads[i]->tables);
    }
    text_add(text, "## Deprecated keys\n\nPrinted for one release more.\n\n"
                   "| key | type | unit | now |\n| --- | --- | --- | --- |\n");
    text_add(text, "| `memory_bytes_per_gpu` | number | B | `gpu_memory_bytes` |\n");
    for (size_t i = 0; workloads[i] != NULL; i++) {
        figures_former_keys(text, workloads[i]->tables);
    }
    text_add(text, "\nColumns of sweeps likewise:\n\n| column | now |\n| --- | --- |\n");
    for (size_t i = 0; workloads[i] != NULL; i++) {
        figures_former_columns(text, workloads[i]->tables);
    }
}

static int describe_key(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    const char *nearest = NULL;
    bool known = true;
    const char *sheet = invocation->operand_count > 0 && invocation->data_sheet
                            ? data_sheet_form(invocation->operands[0])
                            : NULL;
    if (invocation->data_sheet && sheet == NULL) {
        print_safely(stderr, "cpsim: error: --from-data-sheet goes with gpu or cluster: cpsim "
                             "describe gpu --from-data-sheet\n");
        arena_destroy(arena);
        return EXIT_WRONG_INPUT;
    }
    if (sheet != NULL) {
        text_add(&text, sheet);
    } else if (invocation->operand_count > 0 &&
               strcmp(invocation->operands[0], figures_word) == 0) {
        (invocation->markdown ? describe_figures_markdown : describe_figures)(&text);
    } else if (invocation->markdown) {
        describe_everything(&text);
    } else if (invocation->operand_count == 0) {
        reference_tree(&text, scenario_fields, invocation->columns);
    } else {
        known = describe_one(&text, invocation->operands[0], invocation->columns, &nearest);
    }
    int status = EXIT_WRONG_INPUT;
    if (known) {
        struct diagnostics *diagnostics = diagnostics_create();
        status = invocation->markdown ? result_write(invocation->output, text.bytes, diagnostics)
                                      : result_write_folded(invocation, text.bytes, diagnostics);
        diagnostics_print(diagnostics, stderr);
        diagnostics_destroy(diagnostics);
    } else if (nearest != NULL) {
        print_safely(stderr, "cpsim: error: no key '%s' (did you mean '%s'?)\n",
                     invocation->operands[0], nearest);
    } else {
        print_safely(stderr, "cpsim: error: no key '%s'; cpsim describe lists them\n",
                     invocation->operands[0]);
    }
    arena_destroy(arena);
    return status;
}

const struct command command_describe = {
    .name = "describe",
    .operands = "[KEY]",
    .summary = "say what the keys of a scenario mean",
    .doc = "Without a key: all of them, a line each; cpsim describe sweep: those of a sweep file; "
           "cpsim describe figures: what runs find out, in --json, sweeps and traces.",
    .example = "cpsim describe layout.tensor",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_MARKDOWN) | TAKES(OPTION_DATA_SHEET) |
               TAKES(OPTION_OUTPUT),
    .most_operands = 1,
    .run = describe_key,
};
