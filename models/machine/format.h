/* SPDX-License-Identifier: MIT
 * Number formats: what an element of a tensor is stored and computed in. A format is a row of the
 * table in format.c; whether a GPU computes in it says the GPU's file (dense_rate). */
#ifndef CPSIM_MODELS_MACHINE_FORMAT_H
#define CPSIM_MODELS_MACHINE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

enum format {
    FORMAT_UNSET, /* not said; what that means says the member that holds it */
    FORMAT_FP32,
    FORMAT_TF32, /* fp32 in memory, 19 bits in the matrix units */
    FORMAT_BF16,
    FORMAT_FP16,
    FORMAT_FP8, /* e4m3 */
    FORMAT_FP8_E5M2,
    FORMAT_INT8,
    FORMAT_FP6, /* e3m2 or e2m3 */
    FORMAT_INT4,
    FORMAT_FP4,     /* e2m1 */
    FORMAT_MXFP4,   /* e2m1 with a power-of-two scale for each 32 */
    FORMAT_NVFP4,   /* e2m1 with an e4m3 scale for each 16, and one for the tensor */
    FORMAT_MXFP6,   /* e3m2 or e2m3 with a power-of-two scale for each 32 */
    FORMAT_MXFP8,   /* e4m3 with a power-of-two scale for each 32 */
    FORMAT_TERNARY, /* -1, 0 or 1: log2(3) = 1.58 bits */
    FORMAT_COUNT
};

/* How many elements share one scale. FP8 products come in both kinds on an H100, at different
 * speeds: per-tensor scales are folded into the epilogue, row-wise ones are applied per row and
 * column. A block is a run of elements along the depth of a product; of fp8 weights, as many rows
 * by as many columns. */
enum scaling { SCALING_NONE, SCALING_TENSOR, SCALING_ROW, SCALING_BLOCK, SCALING_COUNT };

const char *format_name(enum format format);    /* "bf16" */
const char *scaling_name(enum scaling scaling); /* "row" */

/* Bytes of one element in memory, without its share of the scales. */
double format_bytes(enum format format);

/* Bits that an element can carry: those of the laws of models/laws/quality_law.h. */
double format_bits(enum format format);

bool format_is_integer(enum format format);

/* Elements that share a scale by the format's own definition; 0: it has none. */
uint32_t format_own_block(enum format format);

/* Bytes of the scale of a block, its own or one that was asked for. */
double format_block_scale_bytes(enum format format);

/* Every value of `inner` has an exact twin in `outer`, scales left alone: `inner` can be computed
 * in `outer` after a change of bits. */
bool format_holds(enum format outer, enum format inner);

/* Where to compute when the GPU has no matrix units for a format: the next wider one of the same
 * kind, at last fp32, which is its own next. */
enum format format_next(enum format format);

/* Slots of a lane that turn an element into a 16-bit number, its own or its block's scale included.
 */
double format_dequantise_slots(enum format format);

#endif
