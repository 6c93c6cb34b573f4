/* SPDX-License-Identifier: MIT
 * The shapes of kernels as the tables write them: columns that several kinds of row share. Each
 * marks the row when the shape lies outside the GPU's data. */
#ifndef CPSIM_SIM_COMPARE_SHAPES_H
#define CPSIM_SIM_COMPARE_SHAPES_H

#include "models/kernels/gpu_kernel.h"
#include "models/kernels/measurement.h"
#include "sim/compare/measurement.h"

/* Columns dtype (bf16, fp8: a scale a row, fp8t: a scale a tensor), m, k, n. */
struct gemm_shape row_gemm(struct measurement *row);
/* The same from elsewhere: `dtype` is the name of the column that holds it. */
struct gemm_shape row_gemm_of(struct measurement *row, const char *dtype, uint64_t m, uint64_t n,
                              uint64_t k);
const char *gemm_class(const struct gemm_shape *shape); /* "GEMM bf16" */

/* Columns tq, tk, hq, hk, hd, causal and, if there is one, batch. */
struct attention_shape row_attention_prefill(struct measurement *row);
/* Columns hq, hk, hd into `shape`. */
void row_heads(struct measurement *row, struct attention_shape *shape);
/* Columns batch, ctx, hq, hk, hd. */
struct attention_shape row_attention_decode(struct measurement *row);

/* The kernels of the engine that column `engine` names: a file of platforms/kernels/. NULL after a
 * complaint. */
const struct kernel_library *row_engine_kernels(struct measurement *row);

/* A copy that moves `bytes`, half of them read. */
struct memory_shape row_copy(struct measurement *row, double bytes);

/* Predicts a kernel of a micro-benchmark, replayed for as long as models/kernels/measurement.h
 * says, and adds the figure of its column time_us. */
void row_compare_kernel(struct measurement *row, struct kernel_measurement kernel,
                        const char *class);

/* The same of kernels one after the other whose work is known: no constant of a GPU is fitted on
 * them. */
void row_compare_works(struct measurement *row, const struct kernel_work *works, size_t count,
                       const char *class);

/* "what, vllm, phase": a class of rows of several engines. */
const char *engine_class(struct measurement *row, const char *what, const char *phase);

enum { ROW_MOST = 1 << 30 }; /* of tokens, heads, ...: a typing mistake */

#endif
