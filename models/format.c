/* SPDX-License-Identifier: MIT */
#include "models/format.h"

#include <assert.h>

struct format_row {
    const char *name;
    double bytes, bits;
    bool integer;
    uint32_t own_block;
    double block_scale_bytes;
    enum format next;
    double dequantise_instructions;
};

/* Scales of a block: fp16 for the integers, as GPTQ and AWQ checkpoints hold them; fp32 for fp8,
 * as DeepSeek-V3's (arXiv 2412.19437, section 3.3); e8m0, one byte, for the formats of the Open
 * Compute Project's MX specification 1.0.
 *
 * Instructions are counted in published conversions to bf16, for one element:
 * int8: 4 byte permutes, 4 subtractions, 2 packs for 4 (CUTLASS extensions of FasterTransformer,
 *   interleaved_numeric_conversion.h); a scale a row or tensor waits for the epilogue.
 * int4: 4 lop3, 3 shifts, 4 multiply-adds for 8 (the same file), and a product with the scale for
 *   each 2.
 * fp8: two masks, a shift and an or for each pair, a shift between the pairs and a product for each
 *   to move the exponent: 11 for 4 (Marlin's dequant.h in vLLM); fp4 the same steps.
 * fp6: as fp8, and a shift and an or for each pair, which join its parts of 2 and 4 bits
 *   (arXiv 2401.14112, section 5).
 * ternary: five to a byte, 3^5 = 243 of 256: two products, a shift and a subtraction (llama.cpp's
 *   TQ1_0). */
static const struct format_row formats[FORMAT_COUNT] = {
    [FORMAT_UNSET] = {.name = "unset"},
    [FORMAT_FP32] = {.name = "fp32", .bytes = 4.0, .bits = 32.0, .next = FORMAT_FP32},
    [FORMAT_TF32] = {.name = "tf32", .bytes = 4.0, .bits = 19.0, .next = FORMAT_FP32},
    [FORMAT_BF16] = {.name = "bf16", .bytes = 2.0, .bits = 16.0, .next = FORMAT_FP16},
    [FORMAT_FP16] = {.name = "fp16", .bytes = 2.0, .bits = 16.0, .next = FORMAT_TF32},
    [FORMAT_FP8] = {.name = "fp8",
                    .bytes = 1.0,
                    .bits = 8.0,
                    .block_scale_bytes = 4.0,
                    .next = FORMAT_BF16,
                    .dequantise_instructions = 11.0 / 4.0},
    [FORMAT_FP8_E5M2] = {.name = "fp8-e5m2",
                         .bytes = 1.0,
                         .bits = 8.0,
                         .block_scale_bytes = 4.0,
                         .next = FORMAT_FP8, /* the same matrix units take both */
                         .dequantise_instructions = 11.0 / 4.0},
    [FORMAT_INT8] = {.name = "int8",
                     .bytes = 1.0,
                     .bits = 8.0,
                     .integer = true,
                     .block_scale_bytes = 2.0,
                     .next = FORMAT_BF16,
                     .dequantise_instructions = 10.0 / 4.0},
    [FORMAT_FP6] = {.name = "fp6",
                    .bytes = 0.75,
                    .bits = 6.0,
                    .block_scale_bytes = 1.0,
                    .next = FORMAT_FP8,
                    .dequantise_instructions = 15.0 / 4.0},
    [FORMAT_INT4] = {.name = "int4",
                     .bytes = 0.5,
                     .bits = 4.0,
                     .integer = true,
                     .block_scale_bytes = 2.0,
                     .next = FORMAT_INT8,
                     .dequantise_instructions = 11.0 / 8.0 + 0.5},
    [FORMAT_FP4] = {.name = "fp4",
                    .bytes = 0.5,
                    .bits = 4.0,
                    .block_scale_bytes = 1.0,
                    .next = FORMAT_FP8,
                    .dequantise_instructions = 11.0 / 4.0},
    [FORMAT_MXFP4] = {.name = "mxfp4",
                      .bytes = 0.5,
                      .bits = 4.0,
                      .own_block = 32,
                      .block_scale_bytes = 1.0,
                      .next = FORMAT_FP8,
                      .dequantise_instructions = 11.0 / 4.0},
    [FORMAT_TERNARY] = {.name = "ternary",
                        .bytes = 0.2,
                        .bits = 1.5849625007211562, /* log2(3) */
                        .integer = true,
                        .block_scale_bytes = 2.0,
                        .next = FORMAT_INT8,
                        .dequantise_instructions = 4.0},
};

static const char *const scalings[SCALING_COUNT] = {[SCALING_NONE] = "none",
                                                    [SCALING_TENSOR] = "tensor",
                                                    [SCALING_ROW] = "row",
                                                    [SCALING_BLOCK] = "block"};

static const struct format_row *row_of(enum format format)
{
    assert(format > FORMAT_UNSET && format < FORMAT_COUNT && "not a number format");
    return &formats[format];
}

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
    return row_of(format)->bytes;
}

double format_bits(enum format format)
{
    return row_of(format)->bits;
}

bool format_is_integer(enum format format)
{
    return row_of(format)->integer;
}

uint32_t format_own_block(enum format format)
{
    return row_of(format)->own_block;
}

double format_block_scale_bytes(enum format format)
{
    return row_of(format)->block_scale_bytes;
}

bool format_holds(enum format outer, enum format inner)
{
    if (outer == inner || (outer == FORMAT_FP8 && inner == FORMAT_FP8_E5M2)) {
        return true; /* matrix units take either of the two, each as it is */
    }
    bool narrower = format_bits(inner) < format_bits(outer);
    if (format_bits(outer) >= 16.0) {
        return narrower;
    }
    return narrower &&
           (inner == FORMAT_TERNARY || format_is_integer(inner) == format_is_integer(outer));
}

enum format format_next(enum format format)
{
    return row_of(format)->next;
}

double format_dequantise_instructions(enum format format)
{
    return row_of(format)->dequantise_instructions;
}
