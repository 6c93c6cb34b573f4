/* SPDX-License-Identifier: MIT
 * Matrix units and the lanes beside them, as one product (gpu_gemm.c) and one of many experts
 * (gpu_grouped_gemm.c) use them. Pure. */
#ifndef CPSIM_MODELS_KERNELS_GPU_MATMUL_H
#define CPSIM_MODELS_KERNELS_GPU_MATMUL_H

#include "models/kernels/gpu_kernel.h"

/* Matrix-unit FLOPs of one SM in one clock: 4096 for bf16 on an H100. */
double matmul_flops_per_clock(const struct gpu *gpu, enum format format);
/* At boost voltage. */
double matmul_joules_per_flop(const struct gpu *gpu, enum format format);
/* The shape's library's kernel for a product of no experts; NULL: it has none, the GPU file's is
 * used. */
const struct product_kernel *library_product(const struct gemm_shape *shape);
/* Share of the matrix units' peak inside a tile of one product. */
double matmul_efficiency(const struct gpu *gpu, const struct gemm_shape *shape);
/* Whose constants stand for this scaling's: row scales stand for those of blocks too. */
enum scaling matmul_fitted_scaling(enum scaling scaling);
/* Of one element of the weights, in memory. */
double matmul_weight_bytes(const struct gemm_shape *shape);
/* Clocks that the lanes of an SM keep the matrix units waiting for one step along k of a tile of
 * `rows` x `columns`, `along_n` of which lie along n: weights that are turned into the computed
 * format on their way, and sums that are scaled after each block. */
double matmul_lane_cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape, double rows,
                                double columns, double along_n);

/* gemm_work() of a shape with experts. */
struct kernel_work grouped_gemm_work(const struct gpu *gpu, const struct gemm_shape *shape);
/* The shape's library's kernel for it; NULL: it has none, the GPU file's is used. */
const struct experts_kernel *library_experts(const struct gemm_shape *shape);
struct kernel_work library_experts_work(const struct gpu *gpu, const struct experts_kernel *kernel,
                                        const struct gemm_shape *shape);

#endif
