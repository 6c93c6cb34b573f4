/* SPDX-License-Identifier: MIT
 * cpsim roofline FILE: where a step's time goes, and what bounds it. */
#include "sim/cli/cli.h"

#include "sim/inference/roofline.h"

static int print_result(const struct invocation *invocation, const struct scenario *scenario,
                        const struct conversation_result *found, struct arena *arena,
                        struct diagnostics *diagnostics)
{
    if (invocation->json) {
        struct result result;
        int status = result_open(&result, invocation->output, diagnostics);
        if (status != EXIT_DONE) {
            return status;
        }
        roofline_print_json(scenario, found, arena, result.stream);
        return result_close(&result);
    }
    struct text text = {.arena = arena};
    roofline_print(scenario, found, invocation->columns, &text);
    return result_write_folded(invocation, text.bytes, diagnostics);
}

static int show_roofline(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    struct conversation_result result;
    int status = refusal(diagnostics);
    if (scenario != NULL && scenario->workload != WORKLOAD_CONVERSATION) {
        DIAGNOSE_ERROR(
            diagnostics, ((struct mark){.file = invocation->operands[0]}),
            "a roofline is drawn of a conversation's phases, and this workload has none; "
            "ask for a conversation of the same model and layout");
    } else if (scenario != NULL) {
        status = conversation_run(scenario, arena, NULL, NULL, &result, diagnostics)
                     ? print_result(invocation, scenario, &result, arena, diagnostics)
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
    .scenarios = true,
    .takes = FILE_SCENARIO,
    .summary = "say where a step's time goes, what bounds it and how near it comes to that",
    .doc =
        "Runs the scenario and writes no trace. Each operator of rank 0 in a phase's first step; "
        "'hidden' is what ran beside computation and cost no time.",
    .example = "cpsim roofline scenarios/llama405b.yaml",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_SET) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .least_operands = 1,
    .most_operands = 1,
    .run = show_roofline,
};
