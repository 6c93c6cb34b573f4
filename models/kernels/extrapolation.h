/* SPDX-License-Identifier: MIT
 * Whether a kernel's shape lies within what a GPU's constants were fitted on. Pure. */
#ifndef CPSIM_MODELS_KERNELS_EXTRAPOLATION_H
#define CPSIM_MODELS_KERNELS_EXTRAPOLATION_H

#include "models/kernels/gpu_kernel.h"
#include "models/kernels/kernel_measurement.h"

/* Widens the ranges by the shape of one kernel. */
void gpu_fitted_include(struct gpu_fitted *fitted, const struct kernel_measurement *kernel);

struct extrapolation gemm_extrapolation(const struct gpu *gpu, const struct gemm_shape *shape);
struct extrapolation attention_extrapolation(const struct gpu *gpu,
                                             const struct attention_shape *shape);
struct extrapolation memory_extrapolation(const struct gpu *gpu, const struct memory_shape *shape);

#endif
