/* SPDX-License-Identifier: MIT
 * Works of products that were met before. Steps of a service differ in who is in them, and their
 * products in the number of rows alone, which comes back often: finding a product's tile is the
 * largest part of a step's price. A work is a pure function of its shape, so what is remembered
 * changes no bit of it. One replica's; products of experts are not kept. Pure: room is the
 * caller's. */
#ifndef CPSIM_MODELS_PASSES_PRODUCT_MEMO_H
#define CPSIM_MODELS_PASSES_PRODUCT_MEMO_H

#include "models/kernels/gpu_kernel.h"

/* Shapes but for their rows that are kept apart, and numbers of rows of each, one in another's
 * place. */
enum { PRODUCT_MEMO_SHAPES = 16, PRODUCT_MEMO_PLACES = 1024 };

struct product_memo_place {
    uint64_t rows; /* 0: free */
    struct kernel_work work;
};

struct product_memo {
    const void *owner;               /* the replica whose products these are */
    struct product_memo_place *room; /* [PRODUCT_MEMO_SHAPES * PRODUCT_MEMO_PLACES], all zero */
    struct gemm_shape shapes[PRODUCT_MEMO_SHAPES];
    uint32_t shape_count;
};

/* The place of a product: it holds the product's work where `rows` are its m, and is the product's
 * to fill otherwise. NULL: it is not kept. */
struct product_memo_place *product_memo_place(struct product_memo *memo,
                                              const struct gemm_shape *shape);

#endif
