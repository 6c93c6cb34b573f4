/* SPDX-License-Identifier: MIT
 * A service's figures for people: aligned text. */
#ifndef CPSIM_SIM_SERVING_RESULT_SERVING_SUMMARY_H
#define CPSIM_SIM_SERVING_RESULT_SERVING_SUMMARY_H

#include "sim/serving/result/metrics.h"
#include "sim/workload/title.h"

#include <stdio.h>

void serving_summary_print(const struct serving_run *run, const struct serving_metrics *metrics,
                           struct ink ink, FILE *stream);

/* That it is too short for a 99th percentile; NULL: it is not. */
const char *serving_length_note(const struct serving_metrics *metrics, struct arena *arena);

/* That one request as long as the model allows does not fit the cache of an engine that would not
 * start so; NULL: it does, or the engine does not mind. */
const char *serving_context_note(const struct serving_metrics *metrics, struct arena *arena);

/* That shapes lay beyond those that the GPU's kernels were measured with; NULL: they did not. */
const char *serving_shape_note(const struct serving_metrics *metrics, struct arena *arena);

/* Of several tenants: a row each, what all of them are together, whose GPUs they have. `runs` and
 * `each` are [tenant_count]. */
void tenants_summary_print(const struct scenario *scenario, const struct serving_run runs[],
                           const struct serving_metrics each[],
                           const struct serving_metrics *together, struct ink ink, FILE *stream);

#endif
