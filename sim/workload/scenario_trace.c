/* SPDX-License-Identifier: MIT */
#include "sim/workload/scenario_trace.h"

#include "sim/engine/engine.h"

struct trace *scenario_trace_open(const struct scenario *scenario, const char *path,
                                  struct diagnostics *diagnostics)
{
    const struct trace_attributes attributes = {
        .seed = scenario->seed,
        .simgrid_version = engine_version(),
        .scenario = scenario->resolved_yaml,
        .watch = scenario->trace.watch,
    };
    return trace_open(path, &attributes, diagnostics);
}
