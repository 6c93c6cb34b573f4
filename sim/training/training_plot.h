/* SPDX-License-Identifier: MIT */
#ifndef CPSIM_SIM_TRAINING_TRAINING_PLOT_H
#define CPSIM_SIM_TRAINING_TRAINING_PLOT_H

#include "sim/base/plot.h"
#include "sim/training/training_run.h"

/* A step's passes over time, a row a pipeline stage; of many stages, as many as fit, evenly. */
void training_plot(const struct training_run *run, const struct plot *plot);

#endif
