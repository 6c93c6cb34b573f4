/* SPDX-License-Identifier: MIT
 * A training run's figures as the columns of a sweep. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_METRICS_H
#define CPSIM_SIM_TRAINING_TRAINING_METRICS_H

#include "sim/base/metric.h"
#include "sim/training/training_run.h"

void training_metrics(const struct training_run *run, struct metric_list *metrics);

#endif
