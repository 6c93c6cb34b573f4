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
    if (loaded) {
        fputs(invocation->json ? dump_json(arena, scenario_fields, resolved.tree)
                               : dump_yaml(arena, scenario_fields, resolved.tree, DUMP_ORIGINS),
              stdout);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return loaded ? EXIT_DONE : EXIT_WRONG_INPUT;
}

const struct command command_show = {
    .name = "show",
    .operands = "FILE",
    .summary = "print a scenario as it is understood, with where each value came from",
    .options = 1U << OPTION_SET | 1U << OPTION_JSON,
    .least_operands = 1,
    .most_operands = 1,
    .example = "cpsim show scenarios/llama405b.yaml --set layout.context=8",
    .run = show_scenario,
};
