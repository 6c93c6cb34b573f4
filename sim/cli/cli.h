/* SPDX-License-Identifier: MIT
 * The command line: one file a command, each with its descriptor; main.c reads the options, which
 * are a table too. Results go to stdout, talk to stderr. Exit status: 0 done, 1 the simulation
 * failed, 2 the user's input was wrong. */
#ifndef CPSIM_SIM_CLI_CLI_H
#define CPSIM_SIM_CLI_CLI_H

#include "sim/scenario/scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exit_status { EXIT_DONE = 0, EXIT_RUN_FAILED = 1, EXIT_WRONG_INPUT = 2 };

/* A command line that has been read. */
struct invocation {
    const char *const *operands; /* [operand_count]: files, keys */
    size_t operand_count;
    struct override *overrides; /* [override_count]: --set, in order */
    size_t override_count;
    const char *output; /* -o; NULL: not given */
    const char *generate;
    bool json, quiet, markdown;
};

enum option_id {
    OPTION_SET,
    OPTION_OUTPUT,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_MARKDOWN,
    OPTION_COUNT
};

struct command {
    const char *name, *operands, *summary;
    unsigned options;                     /* bits 1 << enum option_id that it takes */
    size_t least_operands, most_operands; /* most 0: any number */
    const char *example;
    int (*run)(const struct invocation *invocation); /* returns an exit status */
};

extern const struct command command_run, command_check, command_show;

#endif
