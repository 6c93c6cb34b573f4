/* SPDX-License-Identifier: MIT
 * A run of a service for what its client would report. */
#ifndef CPSIM_SIM_COMPARE_SERVICE_RUN_H
#define CPSIM_SIM_COMPARE_SERVICE_RUN_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>

struct service_latencies {
    double ttft_seconds, tpot_seconds; /* means; 0: no request had one */
};

/* Runs the scenario whose YAML is `text`. False after at least one error. SimGrid allows one run a
 * process. */
bool service_run(struct arena *arena, const char *text, struct service_latencies *latencies,
                 struct diagnostics *diagnostics);

#endif
