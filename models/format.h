/* SPDX-License-Identifier: MIT
 * Number formats: what an element of a tensor is stored and computed in. A format is a row of the
 * table in format.c. */
#ifndef CPSIM_MODELS_FORMAT_H
#define CPSIM_MODELS_FORMAT_H

#include <stdint.h>

enum format { FORMAT_FP32, FORMAT_BF16, FORMAT_FP16, FORMAT_FP8, FORMAT_INT8, FORMAT_COUNT };

/* How many elements share one scale. FP8 products come in both kinds on an H100, at different
 * speeds: per-tensor scales are folded into the epilogue, row-wise ones are applied per row and
 * column. */
enum scaling { SCALING_NONE, SCALING_TENSOR, SCALING_ROW, SCALING_COUNT };

const char *format_name(enum format format);    /* "bf16" */
const char *scaling_name(enum scaling scaling); /* "row" */

/* Bytes of one element, without its share of the scales. */
double format_bytes(enum format format);

#endif
