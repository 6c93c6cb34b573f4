/* SPDX-License-Identifier: MIT
 * cpsim: picks the command and hands it its arguments. */
#include "sim/base/suggest.h"
#include "sim/base/version.h"
#include "sim/cli/cli.h"
#include "sim/engine/engine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* A file that is there, or the name of one that came with cpsim. */
static bool is_scenario(const char *word)
{
    struct arena *arena = arena_create();
    bool is_there = access(scenario_file(arena, word), F_OK) == 0;
    arena_destroy(arena);
    return is_there;
}

/* `cpsim FILE` is `cpsim run FILE`: a word that is neither a command nor a file is a slip. */
static const struct command *choose_command(const char *word)
{
    const struct command *command = command_find(word);
    bool looks_like_file = strchr(word, '/') != NULL || strchr(word, '.') != NULL;
    if (command != NULL) {
        return command;
    }
    if (word[0] == '-' || looks_like_file || is_scenario(word)) {
        return &command_run;
    }
    struct suggestion suggestion = {.word = word};
    for (const struct command *const *known = all_commands; *known != NULL; known++) {
        suggestion_consider(&suggestion, (*known)->name);
    }
    struct arena *arena = arena_create();
    scenario_consider(arena, &suggestion);
    print_safely(stderr, "cpsim: error: '%s' is neither a command nor a file", word);
    if (suggestion.best != NULL) {
        print_safely(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    arena_destroy(arena);
    fputs("; see cpsim --help\n", stderr);
    return NULL;
}

static int run_command(const struct command *command, char *const *arguments, size_t count)
{
    for (size_t i = 0; i < count && strcmp(arguments[i], "--") != 0; i++) {
        if (is_help(arguments[i])) {
            help_command(stdout, command);
            return EXIT_DONE;
        }
    }
    struct arena *arena = arena_create();
    struct invocation invocation = {.operands = ARENA_ARRAY(arena, const char *, count + 1),
                                    .overrides = ARENA_ARRAY(arena, struct override, count + 1)};
    int status = EXIT_WRONG_INPUT;
    if (options_read(command, arguments, count, &invocation)) {
        for (size_t i = 0; i < invocation.operand_count && command->scenarios; i++) {
            invocation.operands[i] = scenario_file(arena, invocation.operands[i]);
        }
        if (command->takes == FILE_ANY || file_is(invocation.operands[0], command->takes)) {
            status = command->run(&invocation);
        }
    }
    arena_destroy(arena);
    return status;
}

/* A stream that was closed (>&-) would leave its number to the next file that is opened, and what
 * is printed would go there. Now it fails to be written. */
static void open_standard_streams(void)
{
    for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            open("/dev/null", O_RDONLY); /* takes the lowest number that is free: this one */
        }
    }
}

static int answer(int count, char **arguments)
{
    if (count < 2) {
        help_examples(stderr);
        return EXIT_WRONG_INPUT;
    }
    const char *first = arguments[1];
    if (is_help(first)) {
        help_all(stdout);
        return EXIT_DONE;
    }
    if (strcmp(first, "--version") == 0) {
        printf("cpsim %s (git %s, SimGrid %s)\n", version_number(), version_revision(),
               engine_version());
        return EXIT_DONE;
    }
    if (strcmp(first, "--generate") == 0) {
        return generate(count == 3 ? arguments[2] : "");
    }
    const struct command *command = choose_command(first);
    if (command == NULL) {
        return EXIT_WRONG_INPUT;
    }
    int skipped = command_find(first) == NULL ? 1 : 2;
    return run_command(command, arguments + skipped, (size_t)(count - skipped));
}

int main(int count, char **arguments)
{
    open_standard_streams();
    signal(SIGXFSZ, SIG_IGN); /* over `ulimit -f` a write fails then, and is told of */
    int status = answer(count, arguments);
    return status == EXIT_DONE ? stdout_close() : status;
}
