/* SPDX-License-Identifier: MIT
 * A mixer alone, as engines' benchmarks run its module: the program of a layer that has nothing
 * else, without the layer's norm. */
#ifndef CPSIM_SIM_COMPARE_MODULE_H
#define CPSIM_SIM_COMPARE_MODULE_H

#include "models/layout/replica.h"
#include "sim/compare/measurement.h"

struct module_shape {
    const struct mixer *mixer; /* with the heads of one GPU */
    uint32_t hidden;
    struct precision precision;
    struct batch_slice slice;
    double host_seconds; /* launched one by one, it ends no sooner */
};

/* Seconds by the kernels of the row's engine, at the clock that a micro-benchmark settles at. */
double module_seconds(struct measurement *row, const struct module_shape *shape);

/* Columns phase, batch, new_tokens, context (new tokens included). */
struct batch_slice row_module_slice(struct measurement *row);
/* Columns kv_dtype (bfloat16, fp8) and gemm_dtype (bfloat16, fp8_block). */
struct precision row_module_precision(struct measurement *row);

#endif
