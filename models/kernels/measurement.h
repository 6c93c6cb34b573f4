/* SPDX-License-Identifier: MIT
 * How long a measuring program keeps a GPU busy: a GPU that has only just begun to work may draw
 * more than its limit (gpu_power.h), so the length of a measurement is part of what it measured. */
#ifndef CPSIM_MODELS_KERNELS_MEASUREMENT_H
#define CPSIM_MODELS_KERNELS_MEASUREMENT_H

#include "models/kernels/gpu_power.h"

/* Length of the micro-benchmark of one kernel that takes `kernel_seconds`: replays until it has a
 * steady median. */
double measurement_kernel_run_seconds(double kernel_seconds);

/* Length of the measurement of a stack of layers, or a training step, that takes `pass_seconds`. */
double measurement_stack_run_seconds(double pass_seconds);

/* Clock, seconds and watts of `load` when measured so: of one kernel, or of a stack whose pass is
 * `passes` times the load. */
struct power_state measurement_of_kernel(const struct gpu *gpu, const struct kernel_work *work);
struct power_state measurement_of_stack(const struct gpu *gpu, const struct power_load *load,
                                        double passes);

#endif
