/* SPDX-License-Identifier: MIT
 * A conversation's metrics. Those of the first turn have plain names (`ttft_seconds`), those of the
 * second begin with `turn2_`; then the totals of the run. */
#ifndef CPSIM_SIM_INFERENCE_METRICS_H
#define CPSIM_SIM_INFERENCE_METRICS_H

#include "sim/base/metric.h"
#include "sim/inference/conversation.h"

void conversation_metrics(const struct conversation_result *result, struct metric_list *metrics);

#endif
