/* SPDX-License-Identifier: MIT */
#include "sim/compare/service_run.h"

#include "sim/run/run.h"
#include "sim/scenario/load.h"

static double value_of(const struct metric_list *metrics, const char *name)
{
    const struct metric *metric = metric_find(metrics, name);
    return metric == NULL ? 0.0 : metric->value;
}

bool service_run(struct arena *arena, const char *text, struct service_latencies *latencies,
                 struct diagnostics *diagnostics)
{
    const struct scenario *scenario = scenario_of_text(arena, "the service", text, diagnostics);
    const struct run_options options = {.trace_path = NULL};
    struct metric_list metrics = {.arena = arena};
    if (scenario == NULL || !run_for_metrics(scenario, arena, &options, &metrics, diagnostics)) {
        return false;
    }
    *latencies =
        (struct service_latencies){.ttft_seconds = value_of(&metrics, "ttft_mean_seconds"),
                                   .tpot_seconds = value_of(&metrics, "tpot_mean_seconds")};
    return true;
}
