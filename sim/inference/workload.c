/* SPDX-License-Identifier: MIT
 * A conversation behind the door of workloads. */
#include "sim/workload/workload.h"
#include "sim/inference/conversation_plot.h"

#include "sim/inference/figures.h"
#include "sim/inference/summary.h"
#include "sim/inference/trace_run.h"

struct conversation_run {
    struct conversation_result result;
    struct trace_run *trace; /* NULL: none */
};

static enum run_end run(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace, void **result,
                        struct diagnostics *diagnostics)
{
    struct conversation_run *run = ARENA_NEW(arena, struct conversation_run);
    *result = run;
    run->trace = trace == NULL ? NULL : trace_run_begin(arena, scenario, trace);
    if (conversation_run(scenario, arena, run->trace, options->progress, &run->result,
                         diagnostics)) {
        return RUN_DONE;
    }
    bool platform_refused = scenario->platform_xml != NULL && run->result.phase_count == 0;
    return platform_refused ? RUN_WRONG_INPUT : RUN_FAILED;
}

static void figures(const void *result, bool former, struct metric_list *figures)
{
    const struct conversation_run *run = result;
    conversation_figures(&run->result, former, figures);
}

static void end_trace(const void *result, struct trace *trace)
{
    const struct conversation_run *run = result;
    (void)trace; /* run->trace has it */
    trace_run_end(run->trace, &run->result);
}

static void print(const void *result, struct ink ink, FILE *stream)
{
    const struct conversation_run *run = result;
    summary_print(&run->result, ink, stream);
}

static void draw(const void *result, const struct plot *plot)
{
    const struct conversation_run *run = result;
    conversation_plot(&run->result, plot);
}

static void write_json(const void *result, struct json *json)
{
    const struct conversation_run *run = result;
    summary_write_json(&run->result, json);
}

const struct workload conversation_workload = {
    .run = run,
    .figures = figures,
    .trace = end_trace,
    .print = print,
    .plot = draw,
    .write_json = write_json,
    .tables = conversation_tables,
    .heading = "Figures of a conversation",
};
