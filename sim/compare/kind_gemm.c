/* SPDX-License-Identifier: MIT
 * Matrix products alone, and one product for seconds: the power limit pulls its rate down. */
#include "models/kernels/gpu_power.h"
#include "sim/compare/shapes.h"

#include <math.h>

static const char *const gemm_columns[] = {"dtype", "m", "k", "n", "time_us", NULL};

static void predict_gemm(struct measurement *row)
{
    struct gemm_shape shape = row_gemm(row);
    if (row->wrong) {
        return;
    }
    row_compare_kernel(row, kernel_of_gemm(&shape), gemm_class(&shape));
}

const struct measurement_kind kind_gemm = {
    .name = "gemm",
    .doc = "out[m,n] = a[m,k] x w[k,n], the median of short runs",
    .columns = gemm_columns,
    .predict = predict_gemm,
};

static const char *const sustained_columns[] = {"dtype",      "m",      "k", "n",
                                                "seconds_in", "tflops", NULL};

/* The rate of one moment, long after the burst's energy is spent: what the limit leaves. */
static void predict_sustained(struct measurement *row)
{
    struct gemm_shape shape = row_gemm(row);
    measurement_number(row, "seconds_in", 1e-3, 1e9);
    if (row->wrong) {
        return;
    }
    const struct gpu *gpu = row->machine.gpu;
    struct kernel_work work = gemm_work(gpu, &shape);
    struct power_load load = {.works = &work, .work_count = 1};
    double seconds = power_settle(gpu, &load, power_allowance_watts(gpu, INFINITY)).seconds;
    measurement_compare(row, "sustained GEMM", "tflops", 1e-12 * work.flops / seconds);
}

const struct measurement_kind kind_sustained_gemm = {
    .name = "sustained-gemm",
    .doc = "the rate of a product `seconds_in` after its loop began",
    .columns = sustained_columns,
    .predict = predict_sustained,
};
