/* SPDX-License-Identifier: MIT */
#ifndef CPSIM_SIM_SERVING_RESULT_SERVING_PLOT_H
#define CPSIM_SIM_SERVING_RESULT_SERVING_PLOT_H

#include "sim/base/plot.h"
#include "sim/serving/serving.h"

/* Requests in the service over time, and how long they waited for their first token. */
void serving_plot(const struct serving_run *run, const struct plot *plot);

#endif
