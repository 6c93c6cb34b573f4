/* SPDX-License-Identifier: MIT
 * cpsim show FILE: the scenario as it is understood, every value with where it came from. What it
 * prints is a scenario itself. */
#include "sim/cli/cli.h"
#include "sim/cli/model_report.h"
#include "sim/config/dump.h"
#include "sim/engine/platform_xml.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/tables.h"
#include "sim/scenario/training_setup.h"
#include "sim/training/schedule_csv.h"

static int show_platform(const struct invocation *invocation, const struct scenario *scenario,
                         struct diagnostics *diagnostics)
{
    struct result result;
    int status = result_open(&result, invocation->output, diagnostics);
    if (status != EXIT_DONE) {
        return status;
    }
    struct node_links kinds[POOL_COUNT];
    const struct platform_nodes platform = {.cluster = &scenario->cluster,
                                            .kinds = kinds,
                                            .kind_count = scenario_node_kinds(scenario, kinds),
                                            .nodes = scenario_nodes(scenario)};
    platform_xml_write(&platform, 1, result.stream);
    return result_close(&result);
}

/* The values, and as comments behind them what the model is by them. */
static int show_values(const struct invocation *invocation, struct arena *arena,
                       const struct resolved_scenario *resolved, struct diagnostics *diagnostics)
{
    if (invocation->json) {
        return result_write(invocation->output, dump_json(arena, scenario_fields, resolved->tree),
                            diagnostics);
    }
    struct text text = {.arena = arena};
    text_add(&text, dump_yaml(arena, scenario_fields, resolved->tree, DUMP_ORIGINS));
    text_print(&text, "# %s:\n", resolved->scenario->llm.name);
    model_report(&text, "#   ", &resolved->scenario->llm);
    return result_write(invocation->output, text.bytes, diagnostics);
}

static int show_schedule(const struct invocation *invocation, struct arena *arena,
                         const struct scenario *scenario, struct diagnostics *diagnostics)
{
    if (scenario->workload != WORKLOAD_TRAINING) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = invocation->operands[0]}),
                       "--schedule: only training has one; expected a scenario of kind training");
        return EXIT_WRONG_INPUT;
    }
    struct training training = scenario_training(scenario);
    struct pipeline pipeline = training_pipeline(&training);
    return result_write(invocation->output, schedule_csv(arena, training.schedule, &pipeline),
                        diagnostics);
}

static int show_scenario(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct resolved_scenario resolved = {.scenario = NULL};
    bool loaded = scenario_resolve(arena, invocation->operands[0], invocation->overrides,
                                   invocation->override_count, diagnostics, &resolved);
    int status = refusal(diagnostics);
    if (loaded) {
        status =
            invocation->schedule ? show_schedule(invocation, arena, resolved.scenario, diagnostics)
            : invocation->platform_xml ? show_platform(invocation, resolved.scenario, diagnostics)
                                       : show_values(invocation, arena, &resolved, diagnostics);
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_show = {
    .name = "show",
    .operands = "FILE",
    .scenarios = true,
    .takes = FILE_SCENARIO,
    .summary = "print a scenario as it is understood, with where each value came from",
    .doc =
        "Behind the values, as comments: the model's layers, parameters and cache. "
        "What it prints is a scenario again, complete in itself. --platform-xml prints instead the "
        "network that a run of it gives to SimGrid; changed, it can be named as platform.xml. "
        "--schedule prints the order of a training step's passes as PyTorch dumps it: a row a "
        "stage, an action a cell (3F1: part 3, forward, micro-batch 1; B backward, I of inputs, W "
        "of weights).",
    .example = "cpsim show scenarios/llama405b.yaml --set layout.context=8",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT) |
               TAKES(OPTION_PLATFORM_XML) | TAKES(OPTION_SCHEDULE),
    .least_operands = 1,
    .most_operands = 1,
    .run = show_scenario,
};
