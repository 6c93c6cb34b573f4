/* SPDX-License-Identifier: MIT */
#include "models/architecture/precision.h"

#include <math.h>

static bool computes(const struct gpu *gpu, enum format format)
{
    return gpu->dense_flops_per_second[format] > 0.0;
}

enum format precision_inputs(struct number number, enum format activations)
{
    if (number.inputs != FORMAT_UNSET) {
        return number.inputs;
    }
    return format_bits(number.format) >= 8.0 ? number.format : activations;
}

/* Weights wider than the inputs are cast to them; narrower ones must fit into what is computed. */
static bool takes(enum format compute, enum format weights)
{
    return format_bits(weights) >= 16.0 || format_holds(compute, weights);
}

static enum format compute_format(const struct gpu *gpu, enum format inputs, enum format weights)
{
    enum format compute = inputs;
    while (!(computes(gpu, compute) && takes(compute, weights)) &&
           format_next(compute) != compute) {
        compute = format_next(compute);
    }
    return compute;
}

struct product_formats precision_product(const struct gpu *gpu, struct number number,
                                         enum format activations)
{
    enum format inputs = precision_inputs(number, activations);
    struct product_formats product = {.compute = compute_format(gpu, inputs, number.format)};
    bool narrow = format_bits(product.compute) < 16.0;
    if (narrow) {
        product.quantises_inputs = format_bits(activations) > format_bits(product.compute);
        product.casts_weights = format_bits(number.format) > format_bits(product.compute);
        /* Cast weights and those with scales of their own get one scale a tensor. */
        product.scaling = number.scaling == SCALING_NONE ? SCALING_TENSOR : number.scaling;
    }
    if (format_bytes(number.format) < format_bytes(product.compute)) {
        product.weights = number.format;
    }
    return product;
}

double precision_scale_bytes(struct number number, double rows, double columns)
{
    switch (number.scaling) {
    case SCALING_TENSOR:
        return sizeof(float);
    case SCALING_ROW:
        return rows * sizeof(float);
    case SCALING_BLOCK: {
        bool square = number.format == FORMAT_FP8 || number.format == FORMAT_FP8_E5M2;
        return (square ? ceil(rows / number.block) : rows) * ceil(columns / number.block) *
               format_block_scale_bytes(number.format);
    }
    case SCALING_NONE:
    case SCALING_COUNT:
        break;
    }
    uint32_t block = format_own_block(number.format);
    return block == 0 ? 0.0
                      : rows * ceil(columns / block) * format_block_scale_bytes(number.format);
}

double precision_matrix_bytes(struct number number, double rows, double columns)
{
    return rows * columns * format_bytes(number.format) +
           precision_scale_bytes(number, rows, columns);
}

double precision_cache_bytes(const struct precision *precision, double head_size)
{
    struct number number = {.format = precision->kv_cache,
                            .scaling = precision->kv_scaling,
                            .block = precision->kv_block};
    if (number.scaling == SCALING_TENSOR) {
        number.scaling = SCALING_NONE; /* one scale for the whole cache */
    }
    return precision_matrix_bytes(number, 1.0, head_size);
}

double precision_hop_bytes(const struct precision *precision, double head_size)
{
    return precision->ring_hops == FORMAT_UNSET ? precision_cache_bytes(precision, head_size)
                                                : head_size * format_bytes(precision->ring_hops);
}

enum format precision_attention_compute(const struct gpu *gpu, const struct precision *precision)
{
    return precision->attention_compute == FORMAT_UNSET
               ? FORMAT_BF16
               : compute_format(gpu, precision->attention_compute, precision->attention_compute);
}

static enum format either(enum format format, enum format otherwise)
{
    return format == FORMAT_UNSET ? otherwise : format;
}

enum format precision_kv_hops(const struct precision *precision)
{
    return either(precision->ring_hops, precision->kv_cache);
}

enum format precision_query_hops(const struct precision *precision)
{
    return either(precision->ring_hops, precision->activations);
}

enum format precision_tensor_collectives(const struct precision *precision)
{
    return either(precision->tensor_collectives, precision->activations);
}
