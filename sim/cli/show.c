/* SPDX-License-Identifier: MIT
 * cpsim show FILE: the scenario as it is understood, every value with where it came from. What it
 * prints is a scenario itself. */
#include "sim/cli/cli.h"

#include "sim/scenario/dump.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

static int show_scenario(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct resolved_scenario resolved = {.scenario = NULL};
    bool loaded = scenario_resolve(arena, invocation->operands[0], invocation->overrides,
                                   invocation->override_count, diagnostics, &resolved);
    diagnostics_print(diagnostics, stderr);
    int status = EXIT_WRONG_INPUT;
    if (loaded) {
        status = result_write(invocation,
                              invocation->json
                                  ? dump_json(arena, scenario_fields, resolved.tree)
                                  : dump_yaml(arena, scenario_fields, resolved.tree, DUMP_ORIGINS));
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_show = {
    .name = "show",
    .operands = "FILE",
    .summary = "print a scenario as it is understood, with where each value came from",
    .doc = "What it prints is a scenario again, complete in itself.",
    .example = "cpsim show scenarios/llama405b.yaml --set layout.context=8",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .least_operands = 1,
    .most_operands = 1,
    .run = show_scenario,
};
