/* SPDX-License-Identifier: MIT
 * A service's figures as the columns of a sweep. */
#ifndef CPSIM_SIM_SERVING_RESULT_SERVING_METRIC_LIST_H
#define CPSIM_SIM_SERVING_RESULT_SERVING_METRIC_LIST_H

#include "sim/base/metric.h"
#include "sim/serving/result/metrics.h"

void serving_metric_list(const struct serving_metrics *found, struct metric_list *metrics);

#endif
