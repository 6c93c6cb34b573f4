/* SPDX-License-Identifier: MIT
 * In which format each class of tensor is kept, computed and sent, and what follows for a product:
 * what the matrix units multiply, what is converted before it. Pure. Bytes. */
#ifndef CPSIM_MODELS_ARCHITECTURE_PRECISION_H
#define CPSIM_MODELS_ARCHITECTURE_PRECISION_H

#include "models/machine/format.h"
#include "models/machine/gpu.h"

/* The weights of a product, and what they are multiplied with. */
struct number {
    enum format format; /* of the weights in memory */
    enum scaling scaling;
    uint32_t block;     /* elements, with SCALING_BLOCK */
    enum format inputs; /* of the activations in the product. FORMAT_UNSET: `format` when that has 8
                           bits or more, otherwise those of precision.activations: weights alone are
                           narrow, and are dequantised */
};

struct precision {
    struct number attention_weights; /* query, key, value and output projections */
    struct number ffn_weights;
    struct number embedding;       /* embedding and output head */
    enum format activations;       /* the residual stream and what collectives carry */
    enum format attention_compute; /* the two products of attention; FORMAT_UNSET: bf16 */
    enum format kv_cache;
    enum scaling kv_scaling; /* a row is one head of one token */
    uint32_t kv_block;
    unsigned edge_layers_high; /* so many first and so many last layers keep 16-bit weights */

    /* What travels; FORMAT_UNSET: as it is kept. Narrower takes a kernel before and after. */
    enum format tensor_collectives;
    enum format ring_hops;

    /* Training. FORMAT_UNSET: as the software stack does. Embedding, head and norms keep the
     * stack's. */
    enum format gradients;
    enum format master_weights;
    enum format first_moment, second_moment;
    enum format gradient_reduce; /* between data-parallel ranks; FORMAT_UNSET: as gradients */
    enum format weight_gather;   /* FORMAT_UNSET: as the weights */
};

/* How a product with weights of `number` runs on a GPU. */
struct product_formats {
    enum format compute;   /* what the matrix units multiply */
    enum scaling scaling;  /* of their operands, as struct gemm_shape's */
    bool quantises_inputs; /* by a kernel before the product */
    bool casts_weights;    /* kept wider than computed: by a kernel before the product */
    enum format weights;   /* dequantised inside the product; FORMAT_UNSET: they are as computed */
};

struct product_formats precision_product(const struct gpu *gpu, struct number number,
                                         enum format activations);

/* The format that `number`'s inputs are asked to be in, FORMAT_UNSET resolved. */
enum format precision_inputs(struct number number, enum format activations);

/* A [rows][columns] matrix, depth along the columns: its scales, and all of it. A block of fp8
 * weights is square, `block` rows by as many columns (DeepSeek-V3, arXiv 2412.19437,
 * section 3.3.2); of other formats it is a run along the depth. */
double precision_scale_bytes(struct number number, double rows, double columns);
double precision_matrix_bytes(struct number number, double rows, double columns);

/* Keys or values of one head of one token, in the cache. */
double precision_cache_bytes(const struct precision *precision, double head_size);

/* The same on a ring hop. */
double precision_hop_bytes(const struct precision *precision, double head_size);

/* What attention's products are computed in on a GPU. */
enum format precision_attention_compute(const struct gpu *gpu, const struct precision *precision);

/* What a ring hop carries keys and values in, and queries; and what all-reduces carry. */
enum format precision_kv_hops(const struct precision *precision);
enum format precision_query_hops(const struct precision *precision);
enum format precision_tensor_collectives(const struct precision *precision);

#endif
