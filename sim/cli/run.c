/* SPDX-License-Identifier: MIT
 * cpsim run FILE, or cpsim FILE: simulates a scenario. */
#include "sim/cli/cli.h"
#include "sim/inference/conversation.h"
#include "sim/inference/summary.h"
#include "sim/inference/trace_run.h"
#include "sim/serving/result/serving_summary.h"
#include "sim/serving/result/serving_trace.h"
#include "sim/trace/trace_signal.h"
#include "sim/training/training_summary.h"
#include "sim/training/training_trace.h"

/* -o names the trace; otherwise the scenario does. */
static const char *trace_path(const struct invocation *invocation, const struct scenario *scenario)
{
    return invocation->output != NULL ? invocation->output : scenario->trace.file;
}

static int print_result(const struct invocation *invocation, const struct scenario *scenario,
                        const struct conversation_result *result)
{
    if (invocation->json) {
        summary_print_json(scenario, result, stdout);
    } else {
        summary_print(scenario, result, style(stdout, STYLE_BOLD)[0] != '\0', stdout);
    }
    return EXIT_DONE;
}

static int simulate_conversation(const struct invocation *invocation,
                                 const struct scenario *scenario, struct arena *arena,
                                 struct diagnostics *diagnostics)
{
    const char *path = trace_path(invocation, scenario);
    struct trace_run *trace = NULL;
    if (path != NULL) {
        trace = trace_run_open(arena, scenario, path, diagnostics);
        if (trace == NULL) {
            return EXIT_WRONG_INPUT;
        }
    }
    struct conversation_result result;
    struct progress progress = progress_start(stderr, invocation->quiet);
    bool done = conversation_run(scenario, arena, trace, &progress, &result, diagnostics);
    progress_end(&progress);
    if (!done) {
        if (trace != NULL) {
            trace_run_abandon(trace);
        }
        bool platform_refused = scenario->platform_xml != NULL && result.phase_count == 0;
        return platform_refused ? EXIT_WRONG_INPUT : EXIT_RUN_FAILED;
    }
    if (trace != NULL && !trace_run_close(trace, &result)) {
        return EXIT_RUN_FAILED;
    }
    return invocation->quiet ? EXIT_DONE : print_result(invocation, scenario, &result);
}

static int simulate_serving(const struct invocation *invocation, const struct scenario *scenario,
                            struct arena *arena, struct diagnostics *diagnostics)
{
    struct serving_run *run = ARENA_NEW(arena, struct serving_run);
    const struct serving_options options = {.trace = NULL};
    bool wrong_input = false;
    if (!serving_run_traced(scenario, arena, trace_path(invocation, scenario), &options, run,
                            &wrong_input, diagnostics)) {
        return wrong_input ? EXIT_WRONG_INPUT : EXIT_RUN_FAILED;
    }
    struct serving_metrics metrics;
    serving_metrics(run, &metrics);
    if (invocation->quiet) {
        return EXIT_DONE;
    }
    if (invocation->json) {
        serving_summary_print_json(run, &metrics, stdout);
    } else {
        serving_summary_print(run, &metrics, style(stdout, STYLE_BOLD)[0] != '\0', stdout);
    }
    return EXIT_DONE;
}

static int simulate_training(const struct invocation *invocation, const struct scenario *scenario,
                             struct arena *arena, struct diagnostics *diagnostics)
{
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    bool wrong_input = false;
    const char *path = trace_path(invocation, scenario);
    if (!training_run(scenario, arena, run, &wrong_input, diagnostics) ||
        (path != NULL && !training_trace_write(run, path, &wrong_input, diagnostics))) {
        return wrong_input ? EXIT_WRONG_INPUT : EXIT_RUN_FAILED;
    }
    if (invocation->quiet) {
        return EXIT_DONE;
    }
    if (invocation->json) {
        training_summary_print_json(run, stdout);
    } else {
        training_summary_print(run, style(stdout, STYLE_BOLD)[0] != '\0', stdout);
    }
    return EXIT_DONE;
}

/* Each prints its result, unless it must be quiet; returns an exit status. */
typedef int simulation(const struct invocation *invocation, const struct scenario *scenario,
                       struct arena *arena, struct diagnostics *diagnostics);

static simulation *const simulations[] = {
    [WORKLOAD_CONVERSATION] = simulate_conversation,
    [WORKLOAD_SERVING] = simulate_serving,
    [WORKLOAD_TRAINING] = simulate_training,
};

static int simulate(const struct invocation *invocation, const struct scenario *scenario,
                    struct arena *arena, struct diagnostics *diagnostics)
{
    int status = simulations[scenario->workload](invocation, scenario, arena, diagnostics);
    if (status != EXIT_DONE || invocation->quiet) {
        return status;
    }
    const char *trace = trace_path(invocation, scenario);
    if (trace != NULL && !invocation->json) {
        print_safely(stdout, "trace           %s\n", trace);
    }
    return stdout_close();
}

static bool may_be_watched(const struct invocation *invocation, const struct scenario *scenario)
{
    if (!invocation->watch || trace_path(invocation, scenario) != NULL) {
        return true;
    }
    fputs("cpsim: error: --watch shows a trace as it grows, and this run writes none; name it: "
          "-o FILE, or trace.file in the scenario\n",
          stderr);
    return false;
}

static int run_scenario(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    int status = EXIT_WRONG_INPUT;
    if (scenario != NULL && may_be_watched(invocation, scenario)) {
        if (trace_path(invocation, scenario) != NULL) {
            trace_signal_await();
        }
        struct scenario watched = *scenario;
        watched.trace.watch = invocation->watch;
        status = simulate(invocation, &watched, arena, diagnostics);
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_run = {
    .name = "run",
    .operands = "FILE",
    .summary = "simulate a scenario; cpsim FILE is short for it",
    .doc = "-o names the trace, in place of the scenario's trace.file.",
    .example = "cpsim scenarios/llama405b.yaml",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JSON) | TAKES(OPTION_QUIET) |
               TAKES(OPTION_WATCH),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_scenario,
};
