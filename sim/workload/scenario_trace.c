/* SPDX-License-Identifier: MIT */
#include "sim/workload/scenario_trace.h"

#include "sim/engine/engine.h"
#include "sim/figures/figure.h"
#include "sim/scenario/load.h"

struct trace *scenario_trace_open(const struct scenario *scenario, const char *path,
                                  struct diagnostics *diagnostics)
{
    struct arena *arena = arena_create();
    const struct trace_attributes attributes = {
        .seed = scenario->seed,
        .simgrid_version = engine_version(),
        .scenario = scenario_yaml(arena, scenario),
        .watch = scenario->trace.watch,
    };
    struct trace *trace = trace_open(path, &attributes, diagnostics);
    arena_destroy(arena);
    return trace;
}

void scenario_trace_add_figures(struct trace *trace, const struct metric_list *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct metric *metric = &figures->metrics[i];
        if (figure_is_of_later_turn(metric->name)) {
            continue;
        }
        if (metric->text != NULL) {
            trace_set_text(trace, metric->name, metric->text);
        } else {
            trace_set_number(trace, metric->name, metric->value);
        }
    }
}
