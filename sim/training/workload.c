/* SPDX-License-Identifier: MIT
 * A training run behind the door of workloads. */
#include "sim/workload/workload.h"
#include "sim/training/training_plot.h"

#include "sim/training/figures.h"
#include "sim/training/training_summary.h"
#include "sim/training/training_trace.h"

static enum run_end run(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace, void **result,
                        struct diagnostics *diagnostics)
{
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    bool wrong_input = false;
    (void)trace; /* all its rows are known at the end */
    *result = run;
    if (!training_run(scenario, arena, options->progress, run, &wrong_input, diagnostics)) {
        return wrong_input ? RUN_WRONG_INPUT : RUN_FAILED;
    }
    return RUN_DONE;
}

static void figures(const void *result, bool former, struct metric_list *figures)
{
    for (int i = 0; i < TRAINING_TABLE_COUNT; i++) {
        figures_collect(&training_tables[i], result, (struct figure_naming){.former = former},
                        figures);
    }
}

static void end_trace(const void *result, struct trace *trace)
{
    training_trace_write(result, trace);
}

static void print(const void *result, struct ink ink, FILE *stream)
{
    training_summary_print(result, ink, stream);
}

static void draw(const void *result, const struct plot *plot)
{
    training_plot(result, plot);
}

static void write_json(const void *result, struct json *json)
{
    training_summary_write_json(result, json);
}

const struct workload training_workload = {
    .run = run,
    .figures = figures,
    .trace = end_trace,
    .print = print,
    .plot = draw,
    .write_json = write_json,
    .tables = training_tables,
    .heading = "Figures of a training run",
};
