/* SPDX-License-Identifier: MIT
 * The options there are, and reading them. */
#include "sim/base/fold.h"
#include "sim/base/suggest.h"
#include "sim/cli/cli.h"

#include <stdlib.h>
#include <string.h>

const struct option command_options[OPTION_COUNT] = {
    [OPTION_SET] = {.name = "--set",
                    .argument = "KEY=VALUE",
                    .doc =
                        "change a value of the scenario, such as layout.tensor=4; repeatable, the "
                        "last of a key wins",
                    .offset = offsetof(struct invocation, overrides)},
    [OPTION_OUTPUT] = {.name = "--output",
                       .letter = "-o",
                       .argument = "FILE",
                       .doc = "write the result to FILE",
                       .offset = offsetof(struct invocation, output)},
    [OPTION_JSON] = {.name = "--json",
                     .doc = "print JSON, for programs",
                     .offset = offsetof(struct invocation, json)},
    [OPTION_QUIET] = {.name = "--quiet",
                      .letter = "-q",
                      .doc = "print nothing but errors",
                      .offset = offsetof(struct invocation, quiet)},
    [OPTION_MARKDOWN] = {.name = "--markdown",
                         .doc = "print the whole reference as Markdown",
                         .offset = offsetof(struct invocation, markdown)},
    [OPTION_DATA_SHEET] = {.name = "--from-data-sheet",
                           .doc = "with gpu or cluster: print a file to fill in from a data sheet",
                           .offset = offsetof(struct invocation, data_sheet)},
    [OPTION_SCHEDULE] =
        {.name = "--schedule",
         .doc = "print the order in which each stage of a training step runs its passes",
         .offset = offsetof(struct invocation, schedule)},
    [OPTION_PLATFORM_XML] = {.name = "--platform-xml",
                             .doc = "print the SimGrid platform that is made of the cluster",
                             .offset = offsetof(struct invocation, platform_xml)},
    [OPTION_GPU] = {.name = "--gpu",
                    .argument = "NAME",
                    .doc = "the GPU that predicts: a name of cpsim platforms, or a path",
                    .offset = offsetof(struct invocation, gpu)},
    [OPTION_CLUSTER] = {.name = "--cluster",
                        .argument = "NAME",
                        .doc = "the cluster that predicts, for rows of several GPUs",
                        .offset = offsetof(struct invocation, cluster)},
    [OPTION_SOFTWARE] = {.name = "--software",
                         .argument = "NAME",
                         .doc = "the software stack that predicts; otherwise the one that such "
                                "tables are measured with",
                         .offset = offsetof(struct invocation, software)},
    [OPTION_AS] = {.name = "--as",
                   .argument = "NAME",
                   .doc = "print the command line that it is of vllm, sglang, trtllm, megatron, "
                          "torchtitan or aiconfigurator",
                   .offset = offsetof(struct invocation, as)},
    [OPTION_SCENARIO] = {.name = "--scenario",
                         .argument = "FILE",
                         .doc = "the scenario of the service that was measured",
                         .offset = offsetof(struct invocation, scenario)},
    [OPTION_CSV] = {.name = "--csv",
                    .argument = "FILE",
                    .doc = "write every row with its prediction and error to FILE",
                    .offset = offsetof(struct invocation, csv)},
    [OPTION_BASE] = {.name = "--base",
                     .argument = "NAME",
                     .doc = "the GPU to start from, h100-sxm if none is given: a name of cpsim "
                            "platforms, or a path",
                     .offset = offsetof(struct invocation, base)},
    [OPTION_FORMAT] = {.name = "--format",
                       .argument = "NAME",
                       .doc = "what to export to: chrome, csv, json, openmetrics or chakra",
                       .offset = offsetof(struct invocation, format)},
    [OPTION_TABLE] = {.name = "--table",
                      .argument = "NAME",
                      .doc = "the one table to export, such as phases",
                      .offset = offsetof(struct invocation, table)},
    [OPTION_JOBS] = {.name = "--jobs",
                     .letter = "-j",
                     .argument = "N",
                     .doc = "run N points at a time; default: as many as there are processors",
                     .offset = offsetof(struct invocation, jobs)},
    [OPTION_SHARD] = {.name = "--shard",
                      .argument = "K/N",
                      .doc = "run share K (from 0) of N; under Slurm's job arrays, srun and mpirun "
                             "the environment says it",
                      .offset = offsetof(struct invocation, shard)},
    [OPTION_RETRY_FAILED] = {.name = "--retry-failed",
                             .doc = "run points again that were rejected or failed",
                             .offset = offsetof(struct invocation, retry_failed)},
    [OPTION_PARTIAL] = {.name = "--partial",
                        .doc = "with merge: write what there is, though points are missing",
                        .offset = offsetof(struct invocation, partial)},
    [OPTION_SLURM] = {.name = "--slurm",
                      .argument = "N",
                      .doc = "write scripts for a Slurm job array of N shares and their merge",
                      .offset = offsetof(struct invocation, slurm)},
    [OPTION_SUBMIT] = {.name = "--submit",
                       .doc = "with --slurm: submit them",
                       .offset = offsetof(struct invocation, submit)},
    [OPTION_WATCH] = {.name = "--watch",
                      .doc = "let FILE.live beside the trace be read while the run goes on",
                      .offset = offsetof(struct invocation, watch)},
    [OPTION_PLOT] = {.name = "--plot",
                     .doc = "also draw the run over time, and a service's latencies, in characters",
                     .offset = offsetof(struct invocation, plot)},
    [OPTION_WIDTH] = {.name = "--width",
                      .argument = "N",
                      .doc = "columns of what is printed, 80 or more; default: COLUMNS, or 80",
                      .offset = offsetof(struct invocation, width)},
};

/* Stores an option that was given; `value` is NULL for one without an argument. */
static void take(struct invocation *invocation, enum option_id id, const char *value)
{
    char *member = (char *)invocation + command_options[id].offset;
    const bool given = true;
    if (id == OPTION_SET) {
        invocation->overrides[invocation->override_count++].text = value;
    } else if (value == NULL) {
        memcpy(member, &given, sizeof given);
    } else {
        memcpy(member, &value, sizeof value);
    }
}

/* The option that an argument names, OPTION_COUNT when there is none; *attached is what follows
 * "--name=" or "-j", NULL when nothing does. */
static enum option_id find_option(const char *argument, const char **attached)
{
    size_t length = strcspn(argument, "=");
    *attached = argument[length] == '=' ? argument + length + 1 : NULL;
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &command_options[id];
        bool named = strlen(option->name) == length && memcmp(option->name, argument, length) == 0;
        bool lettered = option->letter != NULL && strcmp(option->letter, argument) == 0;
        if (named || lettered) {
            return id;
        }
        /* -j4 */
        bool joined = option->letter != NULL && option->argument != NULL && argument[1] != '-' &&
                      strncmp(option->letter, argument, 2) == 0;
        if (joined) {
            *attached = argument + 2;
            return id;
        }
    }
    return OPTION_COUNT;
}

/* "layout.tensor=2", where --set goes. */
static bool looks_like_setting(const struct command *command, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t length = strspn(argument, "abcdefghijklmnopqrstuvwxyz0123456789_.");
    return (command->options & TAKES(OPTION_SET)) != 0 && equals != NULL && length > 0 &&
           argument + length == equals;
}

static void complain_of_option(const struct command *command, const char *argument)
{
    struct suggestion suggestion = {.word = argument};
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        if ((command->options & TAKES(id)) != 0) {
            suggestion_consider(&suggestion, command_options[id].name);
        }
    }
    print_safely(stderr, "cpsim: error: cpsim %s has no option '%s'", command->name, argument);
    if (looks_like_setting(command, argument + strspn(argument, "-"))) {
        print_safely(stderr, " (did you mean --set %s?)", argument + strspn(argument, "-"));
    } else if (suggestion.best != NULL) {
        print_safely(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    print_safely(stderr, "; see cpsim %s --help\n", command->name);
}

static bool check_operands(const struct command *command, const struct invocation *invocation)
{
    if (invocation->operand_count < command->least_operands) {
        print_safely(stderr, "cpsim: error: cpsim %s needs %s, such as: %s\n", command->name,
                     command->operands, command->example);
        return false;
    }
    const char *excess = invocation->operand_count > command->most_operands
                             ? invocation->operands[command->most_operands]
                             : NULL;
    if (excess != NULL && looks_like_setting(command, excess)) {
        print_safely(stderr, "cpsim: error: cpsim %s: a value is changed by --set %s\n",
                     command->name, excess);
        return false;
    }
    if (excess != NULL) {
        print_safely(stderr,
                     "cpsim: error: cpsim %s: '%s' is one argument too many; usage: cpsim %s %s\n",
                     command->name, excess, command->name, command->operands);
        return false;
    }
    return true;
}

/* Of --width, of COLUMNS where a shell says it, or 80. */
static bool read_columns(struct invocation *invocation)
{
    const char *said = getenv("COLUMNS");
    char *end = NULL;
    unsigned long columns = said == NULL ? 0 : strtoul(said, &end, 10);
    bool plain = said != NULL && end != said && *end == '\0';
    invocation->columns =
        plain && columns > FOLD_WIDTH && columns <= FOLD_MOST ? columns : FOLD_WIDTH;
    unsigned asked = FOLD_WIDTH;
    if (invocation->width == NULL) {
        return true;
    }
    if (!count_read("--width", invocation->width, FOLD_MOST, &asked)) {
        return false;
    }
    if (asked < FOLD_WIDTH) {
        print_safely(stderr, "cpsim: error: --width: tables need %d columns or more\n", FOLD_WIDTH);
        return false;
    }
    invocation->columns = asked;
    return true;
}

bool options_read(const struct command *command, char *const *arguments, size_t count,
                  struct invocation *invocation)
{
    bool options_end = false;
    for (size_t i = 0; i < count; i++) {
        const char *argument = arguments[i], *value = NULL;
        if (options_end || argument[0] != '-' || argument[1] == '\0') {
            invocation->operands[invocation->operand_count++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            options_end = true;
            continue;
        }
        enum option_id id = find_option(argument, &value);
        if (id == OPTION_COUNT || (command->options & TAKES(id)) == 0) {
            complain_of_option(command, argument);
            return false;
        }
        const struct option *option = &command_options[id];
        if (option->argument == NULL && value != NULL) {
            print_safely(stderr, "cpsim: error: %s takes no value\n", option->name);
            return false;
        }
        if (option->argument != NULL && value == NULL) {
            value = i + 1 < count ? arguments[++i] : "";
        }
        if (option->argument != NULL && value[0] == '\0') {
            print_safely(stderr, "cpsim: error: %s needs %s\n", option->name, option->argument);
            return false;
        }
        take(invocation, id, value);
    }
    return read_columns(invocation) && check_operands(command, invocation);
}
