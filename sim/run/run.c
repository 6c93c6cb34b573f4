/* SPDX-License-Identifier: MIT */
#include "sim/run/run.h"

#include "sim/engine/engine.h"
#include "sim/serving/batching/price_store.h"
#include "sim/workload/scenario_trace.h"

const struct workload *const workloads[] = {
    [WORKLOAD_CONVERSATION] = &conversation_workload,
    [WORKLOAD_SERVING] = &serving_workload,
    [WORKLOAD_TRAINING] = &training_workload,
    [WORKLOAD_KIND_COUNT] = NULL,
};

enum run_end run_scenario(const struct scenario *scenario, struct arena *arena,
                          const struct run_options *options, struct run *run,
                          struct diagnostics *diagnostics)
{
    struct trace *trace = NULL;
    *run = (struct run){.scenario = scenario, .workload = workloads[scenario->workload]};
    if (options->trace_path != NULL) {
        trace = scenario_trace_open(scenario, options->trace_path, diagnostics);
        if (trace == NULL) {
            return RUN_WRONG_INPUT;
        }
    }
    enum run_end end =
        run->workload->run(scenario, arena, &options->workload, trace, &run->result, diagnostics);
    if (trace == NULL) {
        return end;
    }
    if (end != RUN_DONE) {
        trace_abandon(trace);
        return end;
    }
    run->workload->trace(run->result, trace);
    struct metric_list figures = {.arena = arena};
    run->workload->figures(run->result, false, &figures);
    scenario_trace_add_figures(trace, &figures);
    return trace_close(trace) ? RUN_DONE : RUN_FAILED;
}

void run_print(const struct run *run, struct ink ink, FILE *stream)
{
    title_print(run->scenario, ink, stream);
    run->workload->print(run->result, ink, stream);
}

void run_plot(const struct run *run, FILE *stream, size_t columns)
{
    const struct plot plot = {.stream = stream, .columns = columns};
    run->workload->plot(run->result, &plot);
}

void run_print_json(const struct run *run, struct arena *arena, FILE *stream)
{
    struct json json = {.stream = stream};
    struct metric_list figures = {.arena = arena};
    run->workload->figures(run->result, false, &figures);
    const char *notes[RUN_NOTES_MOST] = {NULL};
    size_t count =
        run->workload->notes == NULL ? 0 : run->workload->notes(run->result, arena, notes);
    json_open(&json, NULL, '{');
    title_write(run->scenario, notes, count, &json);
    figures_write_list(&figures, &json);
    run->workload->write_json(run->result, &json);
    json_close(&json, '}');
}

bool run_for_metrics(const struct scenario *scenario, struct arena *arena,
                     const struct run_options *options, struct metric_list *metrics,
                     struct diagnostics *diagnostics)
{
    struct run run;
    switch (run_scenario(scenario, arena, options, &run, diagnostics)) {
    case RUN_DONE:
        run.workload->figures(run.result, true, metrics);
        return true;
    case RUN_MISSED:
        metric_add_number(metrics, "goal_missed", "1", 1.0);
        return true;
    case RUN_WRONG_INPUT:
    case RUN_FAILED:
        break;
    }
    return false;
}

bool run_is_repeatable(void)
{
    return engine_opens_again();
}

struct price_store *run_prices_create(void)
{
    return price_store_create();
}

void run_prices_destroy(struct price_store *prices)
{
    price_store_destroy(prices);
}
