/* SPDX-License-Identifier: MIT
 * Kernels bound by memory, and the optimizer, which is one. */
#include "sim/compare/shapes.h"

static const char *const memory_columns[] = {"op", "rows", "cols", "bytes", "time_us", NULL};

static void predict_memory(struct measurement *row)
{
    static const struct measurement_choice kernels[] = {{"copy", MEMORY_COPY},
                                                        {"add_rmsnorm", MEMORY_ADD_RMSNORM},
                                                        {"swiglu", MEMORY_SWIGLU},
                                                        {"rope", MEMORY_ROPE},
                                                        {"quant_fp8_row", MEMORY_QUANTISE_ROW},
                                                        {"cast_fp8", MEMORY_QUANTISE},
                                                        {NULL, 0}};
    struct memory_shape shape = {
        .kernel = (enum memory_kernel)measurement_choice(row, "op", kernels),
        .rows = measurement_count(row, "rows", 1, ROW_MOST),
        .columns = measurement_count(row, "cols", 1, (uint64_t)1 << 40),
        .bytes = measurement_number(row, "bytes", 1, 1e15),
    };
    if (row->wrong) {
        return;
    }
    measurement_extrapolates(row, memory_extrapolation(row->machine.gpu, &shape));
    row_compare_kernel(row, kernel_of_memory(&shape),
                       shape.bytes < 1e6 ? "memory-bound, under 1 MB"
                                         : "memory-bound, 1 MB and more");
}

const struct measurement_kind kind_memory = {
    .name = "memory",
    .doc = "copy, add_rmsnorm, swiglu, rope, quant_fp8_row, cast_fp8; bytes read and written",
    .columns = memory_columns,
    .predict = predict_memory,
};

static const char *const optimizer_columns[] = {"optimizer", "params", "bytes_per_param", "time_us",
                                                NULL};

static void predict_optimizer(struct measurement *row)
{
    static const struct measurement_choice optimizers[] = {{"adamw_fused", MEMORY_OPTIMIZER},
                                                           {NULL, 0}};
    struct memory_shape shape = {
        .kernel = (enum memory_kernel)measurement_choice(row, "optimizer", optimizers),
        .rows = 1,
        .columns = measurement_count(row, "params", 1, (uint64_t)1 << 45),
        .fused = true,
    };
    shape.bytes = (double)shape.columns * measurement_number(row, "bytes_per_param", 1, 64);
    if (row->wrong) {
        return;
    }
    measurement_extrapolates(row, memory_extrapolation(row->machine.gpu, &shape));
    row_compare_kernel(row, kernel_of_memory(&shape), "optimizer");
}

const struct measurement_kind kind_optimizer = {
    .name = "optimizer",
    .doc = "one step of a fused AdamW over params",
    .columns = optimizer_columns,
    .predict = predict_optimizer,
};
