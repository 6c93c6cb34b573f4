/* SPDX-License-Identifier: MIT
 * cpsim trace VERB FILE: what can be done with a trace. A new verb is a row of verbs[]. */
#include "sim/base/suggest.h"
#include "sim/cli/cli.h"
#include "sim/trace/trace_check.h"

#include <string.h>

static int check_trace(const struct invocation *invocation, const char *path)
{
    struct diagnostics *diagnostics = diagnostics_create();
    int status = trace_check_file(path, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    if (status == EXIT_DONE && !invocation->quiet) {
        printf("%s: ok\n", path);
    }
    return status;
}

static const struct verb {
    const char *name;
    int (*run)(const struct invocation *invocation, const char *path);
} verbs[] = {
    {"check", check_trace},
};

static int run_verb(const struct invocation *invocation)
{
    struct suggestion suggestion = {.word = invocation->operands[0]};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, invocation->operands[0]) == 0) {
            return verbs[i].run(invocation, invocation->operands[1]);
        }
        suggestion_consider(&suggestion, verbs[i].name);
    }
    fprintf(stderr, "cpsim: error: cpsim trace has no '%s'", invocation->operands[0]);
    if (suggestion.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    fputs("; see cpsim trace --help\n", stderr);
    return EXIT_WRONG_INPUT;
}

const struct command command_trace = {
    .name = "trace",
    .operands = "check FILE",
    .summary = "verify a trace: every table, column, type, unit and number",
    .doc = "docs/trace-format.md says what a trace holds; analysis/cpsim_trace.py reads one.",
    .example = "cpsim trace check llama405b.h5",
    .verbs = "check",
    .files = "h5|part",
    .options = TAKES(OPTION_QUIET),
    .least_operands = 2,
    .most_operands = 2,
    .run = run_verb,
};
