/* SPDX-License-Identifier: MIT
 * A service's figures as a flat list, for sweeps and searches: the names of --json, latencies as
 * `ttft_p99_seconds`. */
#ifndef CPSIM_SIM_SERVING_SERVING_COLUMNS_H
#define CPSIM_SIM_SERVING_SERVING_COLUMNS_H

#include "sim/base/metric.h"
#include "sim/serving/metrics.h"

void serving_columns(const struct serving_run *run, const struct serving_metrics *metrics,
                     struct metric_list *list);

#endif
