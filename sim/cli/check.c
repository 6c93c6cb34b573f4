/* SPDX-License-Identifier: MIT
 * cpsim check FILE...: says what is wrong with scenarios, and runs nothing. */
#include "sim/cli/cli.h"

static int check_scenarios(const struct invocation *invocation)
{
    int status = EXIT_DONE;
    for (size_t i = 0; i < invocation->operand_count; i++) {
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        const char *path = invocation->operands[i];
        const struct scenario *scenario = scenario_load(arena, path, invocation->overrides,
                                                        invocation->override_count, diagnostics);
        diagnostics_print(diagnostics, stderr);
        if (scenario == NULL) {
            status = refusal(diagnostics);
        } else if (!invocation->quiet) {
            print_safely(stdout, "%s: ok\n", path);
        }
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    return status;
}

const struct command command_check = {
    .name = "check",
    .operands = "FILE...",
    .scenarios = true,
    .summary = "say what is wrong with scenarios, and run nothing",
    .example = "cpsim check scenarios/*.yaml",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .run = check_scenarios,
};
