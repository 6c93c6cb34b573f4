/* SPDX-License-Identifier: MIT
 * cpsim roofline FILE: where a step's time goes, and what bounds it. */
#include "sim/cli/cli.h"

#include "sim/inference/roofline.h"

static int print_result(const struct invocation *invocation, const struct scenario *scenario,
                        const struct conversation_result *result, struct arena *arena)
{
    if (invocation->json) {
        FILE *stream = result_open(invocation);
        if (stream == NULL) {
            return EXIT_RUN_FAILED;
        }
        roofline_print_json(scenario, result, arena, stream);
        return result_close(invocation, stream);
    }
    struct text text = {.arena = arena};
    roofline_print(scenario, result, &text);
    return result_write(invocation, text.bytes);
}

static int show_roofline(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    struct conversation_result result;
    int status = EXIT_WRONG_INPUT;
    if (scenario != NULL && scenario->workload != WORKLOAD_CONVERSATION) {
        DIAGNOSE_ERROR(
            diagnostics, ((struct mark){.file = invocation->operands[0]}),
            "a roofline is drawn of a conversation's phases, and this workload has none; "
            "ask for a conversation of the same model and layout");
    } else if (scenario != NULL) {
        status = conversation_run(scenario, arena, NULL, NULL, &result, diagnostics)
                     ? print_result(invocation, scenario, &result, arena)
                     : EXIT_RUN_FAILED;
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_roofline = {
    .name = "roofline",
    .operands = "FILE",
    .summary = "say where a step's time goes, what bounds it and how near it comes to that",
    .doc =
        "Runs the scenario and writes no trace. Each operator of rank 0 in a phase's first step; "
        "'hidden'\nis what ran beside computation and cost no time.",
    .example = "cpsim roofline scenarios/llama405b.yaml",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .least_operands = 1,
    .most_operands = 1,
    .run = show_roofline,
};
