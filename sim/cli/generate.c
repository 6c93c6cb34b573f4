/* SPDX-License-Identifier: MIT
 * cpsim --generate man | man-COMMAND | bash-completion | ...: what is installed beside the program,
 * from the same tables as its help. */
#include "sim/base/version.h"
#include "sim/cli/cli.h"
#include "sim/cli/completion.h"
#include "sim/config/reference.h"
#include "sim/scenario/tables.h"

#include <string.h>

/* Text for troff: a dot or quote at the start of a line, and backslashes, would be commands. */
static void roff(struct text *text, const char *string)
{
    if (string[0] == '.' || string[0] == '\'') {
        text_add(text, "\\&");
    }
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '\\') {
            text_add(text, "\\e");
        } else if (*c == '-') {
            text_add(text, "\\-");
        } else {
            text_append(text, c, 1);
        }
    }
}

/* A tagged paragraph: the term in bold, then what it means. */
static void roff_item(struct text *text, const char *term, const char *meaning)
{
    text_add(text, ".TP\n.B ");
    roff(text, term);
    text_add(text, "\n");
    roff(text, meaning);
    text_add(text, "\n");
}

static void roff_key(void *state, const char *path, const struct field *field)
{
    roff_item(state, path, field->doc);
}

static void option_item(struct text *text, const struct option *option)
{
    roff_item(text,
              arena_printf(text->arena, "%s%s%s%s%s", option->letter == NULL ? "" : option->letter,
                           option->letter == NULL ? "" : ", ", option->name,
                           option->argument == NULL ? "" : " ",
                           option->argument == NULL ? "" : option->argument),
              option->doc);
}

static void manual(struct text *text)
{
    struct arena *arena = text->arena;
    text_print(text, ".TH CPSIM 1 \"\" \"cpsim %s\" \"User Commands\"\n", version_number());
    text_add(text, ".SH NAME\ncpsim \\- simulate large language models on GPU clusters\n"
                   ".SH SYNOPSIS\n.B cpsim\n.I FILE\n[options]\n.br\n.B cpsim\n.I COMMAND\n"
                   "[options] [arguments]\n.SH EXAMPLES\n.nf\n");
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        roff(text, (*command)->example);
        text_add(text, "\n");
    }
    text_add(text, ".fi\n.SH COMMANDS\n");
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        const char *doc = (*command)->doc;
        roff_item(text, arena_printf(arena, "%s %s", (*command)->name, (*command)->operands),
                  arena_printf(arena, "%s. %s", (*command)->summary, doc == NULL ? "" : doc));
    }
    text_add(text, ".SH OPTIONS\n");
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        option_item(text, &command_options[id]);
    }
    text_add(text, ".SH SCENARIO KEYS\n");
    reference_walk(arena, scenario_fields, roff_key, text);
    text_add(text, ".SH ENVIRONMENT\n");
    roff_item(text, "CPSIM_PATH", "More directories with models/ and platforms/, colons between.");
    roff_item(text, "CPSIM_PROGRESS", "When it is never: no word of progress on stderr.");
    roff_item(text, "NO_COLOR", "When set and not empty: no colours, no line written over.");
    text_add(text, ".SH EXIT STATUS\n0 done, 1 the simulation failed, 2 the input was wrong.\n"
                   ".SH SEE ALSO\n");
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        text_add(text, ".BR ");
        roff(text, arena_printf(arena, "cpsim-%s", (*command)->name));
        text_print(text, " (1)%s\n", command[1] == NULL ? "" : ",");
    }
}

/* A command's own page: cpsim-NAME(1). */
static void command_manual(struct text *text, const struct command *command)
{
    struct arena *arena = text->arena;
    text_add(text, ".TH ");
    roff(text, arena_printf(arena, "CPSIM-%s", command->name));
    text_print(text, " 1 \"\" \"cpsim %s\" \"User Commands\"\n.SH NAME\n", version_number());
    roff(text, arena_printf(arena, "cpsim-%s", command->name));
    text_add(text, " \\- ");
    roff(text, command->summary);
    text_print(text, "\n.SH SYNOPSIS\n.B cpsim %s\n[options]\n.I ", command->name);
    roff(text, command->operands);
    text_add(text, "\n");
    if (command->doc != NULL) {
        text_add(text, ".SH DESCRIPTION\n");
        roff(text, command->doc);
        text_add(text, "\n");
    }
    text_add(text, ".SH OPTIONS\n");
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        if ((command->options & TAKES(id)) != 0) {
            option_item(text, &command_options[id]);
        }
    }
    roff_item(text, "-h, --help", "What the command takes.");
    text_add(text, ".SH EXAMPLES\n.nf\n");
    roff(text, command->example);
    text_add(text,
             "\n.fi\n.SH EXIT STATUS\n0 done, 1 the simulation failed, 2 the input was wrong.\n"
             ".SH SEE ALSO\n.BR cpsim (1),\nwhich has the keys of scenarios.\n");
}

static const struct {
    const char *name;
    void (*write)(struct text *text);
} generated[] = {
    {"man", manual},
    {"bash-completion", completion_bash},
    {"zsh-completion", completion_zsh},
    {"fish-completion", completion_fish},
};

int generate(const char *what)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    const struct command *command = strncmp(what, "man-", 4) == 0 ? command_find(what + 4) : NULL;
    if (command != NULL) {
        command_manual(&text, command);
    }
    for (size_t i = 0; i < sizeof generated / sizeof *generated; i++) {
        if (strcmp(what, generated[i].name) == 0) {
            generated[i].write(&text);
        }
    }
    int status = EXIT_WRONG_INPUT;
    if (text.length > 0) {
        status = result_write(NULL, text.bytes, NULL);
    } else {
        fputs("cpsim: error: --generate needs one of: man, man-COMMAND, bash-completion, "
              "zsh-completion, fish-completion\n",
              stderr);
    }
    arena_destroy(arena);
    return status;
}
