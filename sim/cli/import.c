/* SPDX-License-Identifier: MIT
 * cpsim import NAME ARGUMENTS: a scenario from an engine's command line. */
#include "sim/arguments/dialect.h"
#include "sim/base/file.h"
#include "sim/base/suggest.h"
#include "sim/cli/cli.h"

static const struct dialect *find(const char *name, struct arena *arena,
                                  struct diagnostics *diagnostics)
{
    const struct dialect *dialect = dialect_find(name);
    if (dialect == NULL) {
        struct suggestion suggestion = {.word = name};
        for (const struct dialect *const *known = dialects; *known != NULL; known++) {
            suggestion_consider(&suggestion, (*known)->name);
        }
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = "the command line"}),
                       "'%.60s' names no command lines that are known here%s (there are: %s)", name,
                       suggestion.best == NULL
                           ? ""
                           : arena_printf(arena, ", did you mean '%s'?", suggestion.best),
                       dialect_names(arena));
    }
    return dialect;
}

static int import_arguments(const struct invocation *invocation)
{
    enum { MOST_BYTES = 1024 * 1024 };
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const char *text = invocation->operands[1], *from = "the arguments", *scenario = NULL;
    const struct dialect *dialect = find(invocation->operands[0], arena, diagnostics);
    if (dialect != NULL && file_is_regular(text)) {
        from = text;
        text = file_read(arena, from, MOST_BYTES, "arguments, as text", NULL, diagnostics);
    }
    if (dialect != NULL && text != NULL) {
        scenario = arguments_import(arena, dialect, from, text, diagnostics);
    }
    int status = scenario == NULL ? refusal(diagnostics)
                                  : result_write(invocation->output, scenario, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_import = {
    .name = "import",
    .operands = "NAME ARGUMENTS",
    .summary = "print the scenario that a command line of an engine or a framework is",
    .doc =
        "NAME: vllm, sglang, trtllm, megatron, torchtitan, aiconfigurator. ARGUMENTS: the line in "
        "quotes, or a file with it.\nWhat could not be carried over stands in the first lines. "
        "cpsim show FILE --as NAME "
        "is the\nway back.",
    .example = "cpsim import vllm 'vllm serve meta-llama/Llama-3.3-70B-Instruct -tp 4'",
    .verbs = "vllm sglang trtllm megatron torchtitan aiconfigurator",
    .options = TAKES(OPTION_OUTPUT),
    .least_operands = 2,
    .most_operands = 2,
    .run = import_arguments,
};
