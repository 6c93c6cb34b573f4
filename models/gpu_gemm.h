/* SPDX-License-Identifier: MIT
 * What one matrix product (gpu_gemm.c) and one of many experts (gpu_grouped_gemm.c) share. */
#ifndef CPSIM_MODELS_GPU_GEMM_H
#define CPSIM_MODELS_GPU_GEMM_H

#include "models/gpu_kernel.h"

/* Matrix-unit FLOPs of one SM in one clock: 4096 for bf16 on an H100. */
double gemm_flops_per_clock(const struct gpu *gpu, enum format format);
/* At boost voltage. */
double gemm_joules_per_flop(const struct gpu *gpu, enum format format);
/* Of one element of the weights, in memory. */
double gemm_weight_bytes(const struct gemm_shape *shape);
/* Clocks of an SM's lanes for one step along k: a tile's `along_n` weights pass through registers
 * on their way to the matrix units, which wait meanwhile. 0 for weights that are as computed. */
double gemm_dequantise_cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape,
                                    double along_n);

/* gemm_work() of a shape with experts. */
struct kernel_work grouped_gemm_work(const struct gpu *gpu, const struct gemm_shape *shape);

#endif
