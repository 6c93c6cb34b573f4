/* SPDX-License-Identifier: MIT
 * Help: examples first. */
#include "sim/cli/cli.h"

static const char *const examples[][2] = {
    {"cpsim scenarios/llama405b.yaml", "simulate a scenario"},
    {"cpsim scenarios/llama405b.yaml --set layout.context=8", "... with a value changed"},
    {"cpsim check scenarios/*.yaml", "say what is wrong with scenarios, and run nothing"},
    {"cpsim show scenarios/llama405b.yaml", "every value, and where it came from"},
    {"cpsim describe workload", "what a key means"},
};

void help_examples(FILE *stream)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        fprintf(stream, "  %-54s %s%s%s\n", examples[i][0], style(stream, STYLE_DIM),
                examples[i][1], style(stream, STYLE_NONE));
    }
    fputs("\ncpsim --help says the rest.\n", stream);
}

static void heading(FILE *stream, const char *text)
{
    fprintf(stream, "\n%s%s%s\n", style(stream, STYLE_BOLD), text, style(stream, STYLE_NONE));
}

static void list_options(FILE *stream, unsigned options)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &command_options[id];
        if ((options & TAKES(id)) != 0) {
            int width =
                fprintf(stream, "  %s%s%s%s%s", option->letter == NULL ? "" : option->letter,
                        option->letter == NULL ? "" : ", ", option->name,
                        option->argument == NULL ? "" : " ",
                        option->argument == NULL ? "" : option->argument);
            fprintf(stream, "%*s%s\n", width < 24 ? 24 - width : 1, "", option->doc);
        }
    }
}

void help_all(FILE *stream)
{
    fputs("cpsim simulates large language models on GPU clusters.\n", stream);
    heading(stream, "Examples");
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        fprintf(stream, "  %-54s %s\n", examples[i][0], examples[i][1]);
    }
    heading(stream, "Commands");
    unsigned options = 0;
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        fprintf(stream, "  %-10s %-12s %s\n", (*command)->name, (*command)->operands,
                (*command)->summary);
        options |= (*command)->options;
    }
    heading(stream, "Options");
    list_options(stream, options);
    fputs("  -h, --help            this, or after a command what it takes\n"
          "  --version             the version\n",
          stream);
    heading(stream, "Environment");
    fputs("  CPSIM_PATH            more directories with models/ and platforms/, colons between\n"
          "  CPSIM_PROGRESS=never  no word of progress on stderr\n"
          "  NO_COLOR              no colours, no line written over\n",
          stream);
    heading(stream, "Exit status");
    fputs("  0 done, 1 the simulation failed, 2 the input was wrong\n", stream);
}

void help_command(FILE *stream, const struct command *command)
{
    fprintf(stream, "usage: cpsim %s [options] %s\n\n%s.\n", command->name, command->operands,
            command->summary);
    if (command->doc != NULL) {
        fprintf(stream, "%s\n", command->doc);
    }
    fprintf(stream, "\nexample: %s\n", command->example);
    if (command->options != 0) {
        heading(stream, "Options");
        list_options(stream, command->options);
    }
}
