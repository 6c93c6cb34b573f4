/* SPDX-License-Identifier: MIT */
#include "sim/run/run.h"

#include "sim/inference/metrics.h"
#include "sim/inference/trace_run.h"
#include "sim/run/serving_metrics.h"
#include "sim/serving/result/serving_trace.h"
#include "sim/training/training_metrics.h"
#include "sim/training/training_trace.h"

#include <assert.h>

typedef bool run_kind(const struct scenario *scenario, struct arena *arena,
                      const struct run_options *options, struct metric_list *metrics,
                      struct diagnostics *diagnostics);

static bool run_conversation(const struct scenario *scenario, struct arena *arena,
                             const struct run_options *options, struct metric_list *metrics,
                             struct diagnostics *diagnostics)
{
    struct trace_run *trace = NULL;
    if (options->trace_path != NULL) {
        trace = trace_run_open(arena, scenario, options->trace_path, diagnostics);
        if (trace == NULL) {
            return false;
        }
    }
    struct conversation_result result;
    if (!conversation_run(scenario, arena, trace, NULL, &result, diagnostics)) {
        if (trace != NULL) {
            trace_run_abandon(trace);
        }
        return false;
    }
    conversation_metrics(&result, metrics);
    return trace == NULL || trace_run_close(trace, &result);
}

static bool run_serving(const struct scenario *scenario, struct arena *arena,
                        const struct run_options *options, struct metric_list *metrics,
                        struct diagnostics *diagnostics)
{
    struct serving_run *run = ARENA_NEW(arena, struct serving_run);
    const struct serving_options own = {
        .prices = options->prices, .price_kind = options->price_kind, .goal = options->goal};
    bool wrong_input = false;
    if (!serving_run_traced(scenario, arena, options->trace_path, &own, run, &wrong_input,
                            diagnostics)) {
        return false;
    }
    if (run->watch.missed) {
        metric_add_number(metrics, "goal_missed", "1", 1.0);
        return true;
    }
    struct serving_metrics found;
    serving_metrics(run, &found);
    serving_metric_list(&found, metrics);
    return true;
}

static bool run_training(const struct scenario *scenario, struct arena *arena,
                         const struct run_options *options, struct metric_list *metrics,
                         struct diagnostics *diagnostics)
{
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    bool wrong_input = false;
    if (!training_run(scenario, arena, run, &wrong_input, diagnostics) ||
        (options->trace_path != NULL &&
         !training_trace_write(run, options->trace_path, &wrong_input, diagnostics))) {
        return false;
    }
    training_metrics(run, metrics);
    return true;
}

static run_kind *const kinds[] = {
    [WORKLOAD_CONVERSATION] = run_conversation,
    [WORKLOAD_SERVING] = run_serving,
    [WORKLOAD_TRAINING] = run_training,
};

bool run_for_metrics(const struct scenario *scenario, struct arena *arena,
                     const struct run_options *options, struct metric_list *metrics,
                     struct diagnostics *diagnostics)
{
    size_t kind = (size_t)scenario->workload;
    assert(kind < sizeof kinds / sizeof *kinds && kinds[kind] != NULL &&
           "a kind of workload without a row");
    return kinds[kind](scenario, arena, options, metrics, diagnostics);
}
