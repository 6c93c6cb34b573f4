/* SPDX-License-Identifier: MIT */
#include "sim/cli/cli.h"

#include "sim/base/suggest.h"

#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {&command_run, &command_check, &command_show};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

struct option {
    const char *name, *letter, *argument, *doc;
};

static const struct option options[OPTION_COUNT] = {
    [OPTION_SET] = {.name = "--set",
                    .argument = "KEY=VALUE",
                    .doc = "change a value of the scenario: --set layout.tensor=4; repeatable"},
    [OPTION_OUTPUT] = {.name = "--output",
                       .letter = "-o",
                       .argument = "FILE",
                       .doc = "write to FILE"},
    [OPTION_JSON] = {.name = "--json", .doc = "print JSON"},
    [OPTION_QUIET] = {.name = "--quiet", .letter = "-q", .doc = "print nothing but errors"},
    [OPTION_MARKDOWN] = {.name = "--markdown", .doc = "print Markdown"},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static bool take(struct invocation *invocation, enum option_id option, const char *value)
{
    switch (option) {
    case OPTION_SET:
        invocation->overrides[invocation->override_count++].text = value;
        return true;
    case OPTION_OUTPUT:
        invocation->output = value;
        return true;
    case OPTION_JSON:
        return invocation->json = true;
    case OPTION_QUIET:
        return invocation->quiet = true;
    case OPTION_MARKDOWN:
        return invocation->markdown = true;
    case OPTION_COUNT:
        break;
    }
    return false;
}

/* Reads arguments from `first` on; false after a complaint. */
static bool read_arguments(const struct command *command, char **arguments, int count,
                           const char **operands, struct invocation *invocation)
{
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        if (argument[0] != '-' || argument[1] == '\0') {
            operands[invocation->operand_count++] = argument;
            continue;
        }
        bool known = false;
        struct suggestion suggestion = {.word = argument};
        for (enum option_id id = 0; id < OPTION_COUNT && !known; id++) {
            const struct option *option = &options[id];
            size_t length = strlen(option->name);
            bool attached = option->argument != NULL &&
                            strncmp(argument, option->name, length) == 0 && argument[length] == '=';
            bool named = strcmp(argument, option->name) == 0 ||
                         (option->letter != NULL && strcmp(argument, option->letter) == 0);
            if ((command->options >> id & 1U) == 0) {
                continue;
            }
            suggestion_consider(&suggestion, option->name);
            if (!attached && !named) {
                continue;
            }
            known = true;
            if (named && option->argument != NULL && ++i == count) {
                fprintf(stderr, "cpsim: error: %s needs %s\n", argument, option->argument);
                return false;
            }
            take(invocation, id, attached ? argument + length + 1 : arguments[i]);
        }
        if (!known) {
            fprintf(stderr, "cpsim: error: unknown option '%s'", argument);
            fprintf(stderr, suggestion.best == NULL ? "%s\n" : " (did you mean '%s'?)\n",
                    suggestion.best == NULL ? "" : suggestion.best);
            return false;
        }
    }
    invocation->operands = operands;
    return true;
}

int main(int count, char **arguments)
{
    if (count < 2) {
        fputs("usage: cpsim FILE\n", stderr);
        return EXIT_WRONG_INPUT;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        puts("cpsim " CPSIM_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = find_command(arguments[1]);
    int first = command == NULL ? 1 : 2;
    command = command == NULL ? &command_run : command;
    const char **operands = calloc((size_t)count, sizeof *operands);
    struct invocation invocation = {.overrides = calloc((size_t)count, sizeof(struct override))};
    int status = EXIT_WRONG_INPUT;
    if (operands != NULL && invocation.overrides != NULL &&
        read_arguments(command, arguments + first, count - first, operands, &invocation)) {
        if (invocation.operand_count < command->least_operands) {
            fprintf(stderr, "cpsim: error: %s needs %s, such as: %s\n", command->name,
                    command->operands, command->example);
        } else {
            status = command->run(&invocation);
        }
    }
    free(invocation.overrides);
    free(operands);
    return status;
}
