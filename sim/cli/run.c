/* SPDX-License-Identifier: MIT
 * cpsim run FILE, or cpsim FILE: simulates a scenario. */
#include "sim/cli/cli.h"

static int run_scenario(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    diagnostics_print(diagnostics, stderr);
    int status = scenario == NULL ? EXIT_WRONG_INPUT : EXIT_DONE;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_run = {
    .name = "run",
    .operands = "FILE",
    .summary = "simulate a scenario; cpsim FILE is short for it",
    .example = "cpsim scenarios/llama405b.yaml",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JSON) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_scenario,
};
