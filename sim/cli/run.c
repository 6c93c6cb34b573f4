/* SPDX-License-Identifier: MIT
 * cpsim run FILE, or cpsim FILE: simulates a scenario. */
#include "sim/cli/cli.h"
#include "sim/inference/conversation.h"
#include "sim/inference/summary.h"

static int simulate(const struct invocation *invocation, const struct scenario *scenario,
                    struct arena *arena, struct diagnostics *diagnostics)
{
    struct conversation_result result;
    if (!conversation_run(scenario, arena, NULL, &result, diagnostics)) {
        return EXIT_RUN_FAILED;
    }
    if (invocation->json) {
        summary_print_json(scenario, &result, stdout);
    } else {
        summary_print(scenario, &result, style(stdout, STYLE_BOLD)[0] != '\0', stdout);
    }
    return EXIT_DONE;
}

static int run_scenario(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    int status =
        scenario == NULL ? EXIT_WRONG_INPUT : simulate(invocation, scenario, arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
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
