/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_matmul.h"

#include <assert.h>

double matmul_flops_per_clock(const struct gpu *gpu, enum format format)
{
    double peak = gpu->dense_flops_per_second[format];
    assert(peak > 0.0 && "the GPU has no matrix units for this format");
    return peak / (gpu->streaming_multiprocessors * gpu->rated_clock_hertz);
}

/* Where the file has none: matrix units draw the same a clock in every format, as the fitted values
 * of bf16 and fp8 do within 1.2 %. */
double matmul_joules_per_flop(const struct gpu *gpu, enum format format)
{
    double joules = gpu->matmul_joules_per_flop[format];
    return joules > 0.0
               ? joules
               : gpu->matmul_joules_per_flop[FORMAT_BF16] *
                     gpu->dense_flops_per_second[FORMAT_BF16] / gpu->dense_flops_per_second[format];
}

enum scaling matmul_fitted_scaling(enum scaling scaling)
{
    return scaling == SCALING_BLOCK ? SCALING_ROW : scaling;
}

const struct product_kernel *library_product(const struct gemm_shape *shape)
{
    if (shape->library == NULL || shape->experts.count > 0) {
        return NULL;
    }
    const struct product_kernel *kernel = &shape->library->products[shape->scaling];
    return kernel->efficiency > 0.0 ? kernel : NULL;
}

double matmul_efficiency(const struct gpu *gpu, const struct gemm_shape *shape)
{
    const struct product_kernel *kernel = library_product(shape);
    if (kernel != NULL) {
        return kernel->efficiency;
    }
    if (format_is_integer(shape->format) && gpu->matmul_integer_efficiency > 0.0) {
        return gpu->matmul_integer_efficiency;
    }
    return gpu->matmul_efficiency[matmul_fitted_scaling(shape->scaling)];
}

double matmul_weight_bytes(const struct gemm_shape *shape)
{
    return format_bytes(shape->weights == FORMAT_UNSET ? shape->format : shape->weights);
}

/* Scales of blocks cannot wait for the end of the sum: after each block along k the matrix units'
 * sums go through the lanes, each scaled and added in fp32, and the units wait (arXiv 2412.19437,
 * section 3.3.2, "promotion"). A product of m x n tokens and weights in blocks of 128: 16,384
 * multiply-adds on 128 lanes are 128 clocks to the 512 that the tile multiplies. */
static double promotion_cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape,
                                     double elements)
{
    return shape->scaling == SCALING_BLOCK ? elements / gpu->lanes / shape->block : 0.0;
}

double matmul_lane_cycles_per_k(const struct gpu *gpu, const struct gemm_shape *shape, double rows,
                                double columns, double along_n)
{
    double dequantise = shape->weights == FORMAT_UNSET
                            ? 0.0
                            : along_n * format_dequantise_slots(shape->weights) / gpu->lanes;
    return dequantise + promotion_cycles_per_k(gpu, shape, rows * columns);
}
