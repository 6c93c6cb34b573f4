/* SPDX-License-Identifier: MIT */
#include "models/machine/format.h"

#include <assert.h>

struct format_row {
    const char *name;
    double bytes, bits;
    bool integer;
    uint32_t own_block;
    double block_scale_bytes;
    enum format next;
    double dequantise_slots;
};

/* Scales of a block: fp16 for the integers, as GPTQ and AWQ checkpoints hold them; fp32 for fp8,
 * as DeepSeek-V3's (arXiv 2412.19437, section 3.3); e8m0, one byte, for each 32 elements of the
 * Open Compute Project's Microscaling formats (MX specification 1.0, section 5.2, table 1: MXFP8,
 * MXFP6, MXFP4). NVFP4: an e4m3 for each 16 of e2m1 and an fp32 for the tensor, which the epilogue
 * applies (NVIDIA, "Introducing NVFP4", 2025; nvidia.github.io/cuda-rust, NVFP4 inference).
 *
 * What a conversion to bf16 takes is counted in published ones, in slots of the lanes: a product or
 * sum of fp32 or of two bf16 is one, a logic operation, shift or byte permute two, since an SM has
 * half as many a clock (64 of 128, CUDA C++ Programming Guide, throughput of native arithmetic
 * instructions, compute capability 7.0 and later). For so many elements:
 * int8, 4: 6 byte permutes and 4 subtractions; a scale a row or tensor waits for the epilogue
 *   (FasterTransformer, cutlass_extensions/interleaved_numeric_conversion.h; arXiv 2211.10017).
 * int4, 8: 4 lop3 of (q & 0x000f000f) | 0x43004300, 3 shifts, 4 multiply-adds (the same file), and
 *   4 products with the scale of the group (Marlin, arXiv 2408.11743).
 * fp8, 4: of each pair the exponent and mantissa are shifted and masked, and joined with the sign
 * by a lop3; a shift between the pairs; 2 products, which move the exponent and scale (Marlin in
 * vLLM, csrc/quantization/gptq_marlin/dequant.h). fp4 in the same steps. fp6, 4: as fp8, and a
 * shift and a lop3 more for each pair, which join its parts of 2 and 4 bits (arXiv 2401.14112,
 * section 5). ternary, 1: five to a byte, 3^5 = 243 of 256: two integer products and a shift
 * (llama.cpp, TQ1_0), the lop3 of int4, and half a multiply-add. */
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
                    .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_FP8_E5M2] = {.name = "fp8-e5m2",
                         .bytes = 1.0,
                         .bits = 8.0,
                         .block_scale_bytes = 4.0,
                         .next = FORMAT_FP8, /* the same matrix units take both */
                         .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_INT8] = {.name = "int8",
                     .bytes = 1.0,
                     .bits = 8.0,
                     .integer = true,
                     .block_scale_bytes = 2.0,
                     .next = FORMAT_BF16,
                     .dequantise_slots = (6.0 * 2.0 + 4.0) / 4.0},
    [FORMAT_FP6] = {.name = "fp6",
                    .bytes = 0.75,
                    .bits = 6.0,
                    .block_scale_bytes = 1.0,
                    .next = FORMAT_FP8,
                    .dequantise_slots = (11.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_INT4] = {.name = "int4",
                     .bytes = 0.5,
                     .bits = 4.0,
                     .integer = true,
                     .block_scale_bytes = 2.0,
                     .next = FORMAT_INT8,
                     .dequantise_slots = (7.0 * 2.0 + 8.0) / 8.0},
    [FORMAT_FP4] = {.name = "fp4",
                    .bytes = 0.5,
                    .bits = 4.0,
                    .block_scale_bytes = 1.0,
                    .next = FORMAT_FP8,
                    .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_MXFP4] = {.name = "mxfp4",
                      .bytes = 0.5,
                      .bits = 4.0,
                      .own_block = 32,
                      .block_scale_bytes = 1.0,
                      .next = FORMAT_FP8,
                      .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_NVFP4] = {.name = "nvfp4",
                      .bytes = 0.5,
                      .bits = 4.0,
                      .own_block = 16,
                      .block_scale_bytes = 1.0,
                      .next = FORMAT_FP8,
                      .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_MXFP6] = {.name = "mxfp6",
                      .bytes = 0.75,
                      .bits = 6.0,
                      .own_block = 32,
                      .block_scale_bytes = 1.0,
                      .next = FORMAT_FP8,
                      .dequantise_slots = (11.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_MXFP8] = {.name = "mxfp8",
                      .bytes = 1.0,
                      .bits = 8.0,
                      .own_block = 32,
                      .block_scale_bytes = 1.0,
                      .next = FORMAT_BF16, /* fp8's units sum a tensor's scale, not 32 elements' */
                      .dequantise_slots = (7.0 * 2.0 + 2.0) / 4.0},
    [FORMAT_TERNARY] = {.name = "ternary",
                        .bytes = 0.2,
                        .bits = 1.5849625007211562, /* log2(3) */
                        .integer = true,
                        .block_scale_bytes = 2.0,
                        .next = FORMAT_INT8,
                        .dequantise_slots = 4.0 * 2.0 + 0.5},
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

double format_dequantise_slots(enum format format)
{
    return row_of(format)->dequantise_slots;
}
