/* SPDX-License-Identifier: MIT
 * cpsim run FILE, or cpsim FILE: simulates a scenario. */
#include "sim/run/run.h"
#include "sim/cli/cli.h"
#include "sim/trace/trace_signal.h"

/* -o names the trace; otherwise the scenario does. */
static const char *trace_path(const struct invocation *invocation, const struct scenario *scenario)
{
    return invocation->output != NULL ? invocation->output : scenario->trace.file;
}

static int status_of(enum run_end end, const struct diagnostics *diagnostics)
{
    switch (end) {
    case RUN_DONE:
    case RUN_MISSED: /* a command has no goal */
        return EXIT_DONE;
    case RUN_WRONG_INPUT:
        return refusal(diagnostics);
    case RUN_FAILED:
        break;
    }
    return EXIT_RUN_FAILED;
}

static int simulate(const struct invocation *invocation, const struct scenario *scenario,
                    struct arena *arena, struct diagnostics *diagnostics)
{
    const char *trace = trace_path(invocation, scenario);
    struct progress progress = progress_start(stderr, invocation->quiet);
    const struct run_options options = {.trace_path = trace, .workload.progress = &progress};
    struct run run;
    int status = status_of(run_scenario(scenario, arena, &options, &run, diagnostics), diagnostics);
    progress_end(&progress);
    if (status != EXIT_DONE || invocation->quiet) {
        return status;
    }
    if (invocation->json) {
        run_print_json(&run, arena, stdout);
    } else {
        struct page page;
        page_open(&page, invocation->columns);
        run_print(&run, ink_of(style(stdout, STYLE_BOLD)[0] != '\0', page.columns), page.stream);
        if (trace != NULL) {
            print_safely(page.stream, "trace           %s\n", trace);
        }
        if (invocation->plot) {
            fputc('\n', page.stream);
            run_plot(&run, page.stream, page.columns);
        }
        page_close(&page);
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

static bool may_be_drawn(const struct invocation *invocation)
{
    if (!invocation->plot || !(invocation->json || invocation->quiet)) {
        return true;
    }
    fprintf(stderr, "cpsim: error: --plot draws beside what people read, and %s leaves that out\n",
            invocation->json ? "--json" : "--quiet");
    return false;
}

static int run_command(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, invocation->operands[0], invocation->overrides,
                      invocation->override_count, diagnostics);
    int status = EXIT_WRONG_INPUT;
    if (scenario != NULL && may_be_watched(invocation, scenario) && may_be_drawn(invocation)) {
        if (trace_path(invocation, scenario) != NULL) {
            trace_signal_await();
        }
        struct scenario watched = *scenario;
        watched.trace.watch = invocation->watch;
        status = simulate(invocation, &watched, arena, diagnostics);
    } else if (scenario == NULL) {
        status = refusal(diagnostics);
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_run = {
    .name = "run",
    .operands = "FILE",
    .scenarios = true,
    .takes = FILE_SCENARIO,
    .summary = "simulate a scenario; cpsim FILE is short for it",
    .doc = "-o names the trace, in place of the scenario's trace.file.",
    .example = "cpsim scenarios/llama405b.yaml",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JSON) |
               TAKES(OPTION_QUIET) | TAKES(OPTION_WATCH) | TAKES(OPTION_PLOT),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_command,
};
