/* SPDX-License-Identifier: MIT */
#include "sim/run/run.h"

#include "sim/inference/metrics.h"
#include "sim/inference/trace_run.h"
#include "sim/run/serving_metrics.h"
#include "sim/training/training_metrics.h"
#include "sim/training/training_trace.h"

#include <assert.h>

static bool run_conversation(const struct scenario *scenario, struct arena *arena,
                             const char *trace_path, struct metric_list *metrics,
                             struct diagnostics *diagnostics)
{
    struct trace_run *trace = NULL;
    if (trace_path != NULL) {
        trace = trace_run_open(arena, scenario, trace_path, diagnostics);
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
                        const char *trace_path, struct metric_list *metrics,
                        struct diagnostics *diagnostics)
{
    if (trace_path != NULL) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = trace_path}),
                       "a workload of kind 'serving' writes no trace; leave 'traces' out");
        return false;
    }
    struct serving_run *run = ARENA_NEW(arena, struct serving_run);
    bool wrong_input = false;
    if (!serving_run(scenario, arena, NULL, run, &wrong_input, diagnostics)) {
        return false;
    }
    struct serving_metrics found;
    serving_metrics(run, &found);
    serving_metric_list(&found, metrics);
    return true;
}

static bool run_training(const struct scenario *scenario, struct arena *arena,
                         const char *trace_path, struct metric_list *metrics,
                         struct diagnostics *diagnostics)
{
    struct training_run *run = ARENA_NEW(arena, struct training_run);
    bool wrong_input = false;
    if (!training_run(scenario, arena, run, &wrong_input, diagnostics) ||
        (trace_path != NULL && !training_trace_write(run, trace_path, &wrong_input, diagnostics))) {
        return false;
    }
    training_metrics(run, metrics);
    return true;
}

static const struct {
    bool (*run)(const struct scenario *scenario, struct arena *arena, const char *trace_path,
                struct metric_list *metrics, struct diagnostics *diagnostics);
} kinds[] = {
    [WORKLOAD_CONVERSATION] = {run_conversation},
    [WORKLOAD_SERVING] = {run_serving},
    [WORKLOAD_TRAINING] = {run_training},
};

bool run_for_metrics(const struct scenario *scenario, struct arena *arena, const char *trace_path,
                     struct metric_list *metrics, struct diagnostics *diagnostics)
{
    size_t kind = (size_t)scenario->workload;
    assert(kind < sizeof kinds / sizeof *kinds && kinds[kind].run != NULL &&
           "a kind of workload without a row");
    return kinds[kind].run(scenario, arena, trace_path, metrics, diagnostics);
}
