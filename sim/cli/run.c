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
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return scenario == NULL ? EXIT_WRONG_INPUT : EXIT_DONE;
}

const struct command command_run = {
    .name = "run",
    .operands = "FILE",
    .summary = "simulate a scenario; `cpsim FILE` is short for it",
    .options = 1U << OPTION_SET | 1U << OPTION_OUTPUT | 1U << OPTION_JSON | 1U << OPTION_QUIET,
    .least_operands = 1,
    .most_operands = 1,
    .example = "cpsim scenarios/llama405b.yaml",
    .run = run_scenario,
};
