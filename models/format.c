/* SPDX-License-Identifier: MIT */
#include "models/format.h"

#include <assert.h>

struct format_row {
    const char *name;
    double bytes;
};

static const struct format_row formats[FORMAT_COUNT] = {
    [FORMAT_FP32] = {.name = "fp32", .bytes = 4.0}, [FORMAT_BF16] = {.name = "bf16", .bytes = 2.0},
    [FORMAT_FP16] = {.name = "fp16", .bytes = 2.0}, [FORMAT_FP8] = {.name = "fp8", .bytes = 1.0},
    [FORMAT_INT8] = {.name = "int8", .bytes = 1.0},
};

static const char *const scalings[SCALING_COUNT] = {
    [SCALING_NONE] = "none", [SCALING_TENSOR] = "tensor", [SCALING_ROW] = "row"};

const char *format_name(enum format format)
{
    assert(format < FORMAT_COUNT && "not a number format");
    return formats[format].name;
}

const char *scaling_name(enum scaling scaling)
{
    assert(scaling < SCALING_COUNT && "not a granularity of scales");
    return scalings[scaling];
}

double format_bytes(enum format format)
{
    assert(format < FORMAT_COUNT && "not a number format");
    return formats[format].bytes;
}
