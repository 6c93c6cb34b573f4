/* SPDX-License-Identifier: MIT
 * Help: examples first. */
#include "sim/base/fold.h"
#include "sim/cli/cli.h"

#include <string.h>

static const char *const examples[][2] = {
    {"cpsim scenarios/llama405b.yaml", "simulate a scenario"},
    {"cpsim scenarios/llama405b.yaml --set layout.context=8", "with a value changed"},
    {"cpsim check scenarios/*.yaml", "say what is wrong"},
    {"cpsim show scenarios/llama405b.yaml", "every value, its source"},
    {"cpsim describe workload", "what a key means"},
};

enum { OPTION_COLUMN = 24, COMMAND_COLUMN = 27 };

static void end(FILE *stream, struct text *text)
{
    fputs(text->bytes, stream);
    arena_destroy(text->arena);
}

static void list_examples(struct text *text)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        text_print(text, "  %s", examples[i][0]);
        text_pad(text, 56);
        text_print(text, "%s\n", examples[i][1]);
    }
}

void help_examples(FILE *stream)
{
    struct text text = {.arena = arena_create()};
    list_examples(&text);
    text_add(&text, "\ncpsim --help says the rest.\n");
    end(stream, &text);
}

static void heading(FILE *stream, struct text *text, const char *words)
{
    text_print(text, "\n%s%s%s\n", style(stream, STYLE_BOLD), words, style(stream, STYLE_NONE));
}

/* "  term      what it means", as many lines as it takes. */
static void item(struct text *text, const char *term, const char *meaning, size_t column)
{
    text_print(text, "  %s%s", term, strlen(term) + 3 > column ? "\n" : "");
    text_wrap(text, meaning, column, FOLD_WIDTH);
}

static void list_options(struct text *text, unsigned options)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &command_options[id];
        if ((options & TAKES(id)) != 0) {
            const char *term = arena_printf(text->arena, "%s%s%s%s%s",
                                            option->letter == NULL ? "" : option->letter,
                                            option->letter == NULL ? "" : ", ", option->name,
                                            option->argument == NULL ? "" : " ",
                                            option->argument == NULL ? "" : option->argument);
            item(text, term, option->doc, OPTION_COLUMN);
        }
    }
}

void help_all(FILE *stream)
{
    struct text text = {.arena = arena_create()};
    text_add(&text, "cpsim simulates large language models on GPU clusters.\n");
    heading(stream, &text, "Examples");
    list_examples(&text);
    heading(stream, &text, "Commands");
    unsigned options = 0;
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        item(&text, arena_printf(text.arena, "%-10s %s", (*command)->name, (*command)->operands),
             (*command)->summary, COMMAND_COLUMN);
        options |= (*command)->options;
    }
    heading(stream, &text, "Options");
    list_options(&text, options);
    item(&text, "-h, --help", "this, or after a command what it takes", OPTION_COLUMN);
    item(&text, "--version", "the version", OPTION_COLUMN);
    heading(stream, &text, "Environment");
    item(&text, "CPSIM_PATH", "more directories with models/ and platforms/, colons between",
         OPTION_COLUMN);
    item(&text, "CPSIM_PROGRESS=never", "no word of progress on stderr", OPTION_COLUMN);
    item(&text, "NO_COLOR", "no escape codes: no colours, no line written over", OPTION_COLUMN);
    item(&text, "COLUMNS", "columns of what is printed, where it is more than 80", OPTION_COLUMN);
    heading(stream, &text, "Exit status");
    text_add(&text, "  0 done, 1 the simulation failed, 2 the input was wrong\n");
    end(stream, &text);
}

void help_command(FILE *stream, const struct command *command)
{
    struct text text = {.arena = arena_create()};
    text_print(&text, "usage: cpsim %s [options]%s%s\n\n", command->name,
               command->operands[0] == '\0' ? "" : " ", command->operands);
    text_wrap(&text, arena_printf(text.arena, "%s.", command->summary), 0, FOLD_WIDTH);
    if (command->doc != NULL) {
        text_wrap(&text, command->doc, 0, FOLD_WIDTH);
    }
    text_print(&text, "\nexample: %s\n", command->example);
    if (command->options != 0) {
        heading(stream, &text, "Options");
        list_options(&text, command->options);
    }
    end(stream, &text);
}
