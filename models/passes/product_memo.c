/* SPDX-License-Identifier: MIT */
#include "models/passes/product_memo.h"

#include <assert.h>

/* Of no experts: what is left out below is of them. */
static bool differ_in_rows_alone(const struct gemm_shape *a, const struct gemm_shape *b)
{
    static_assert(sizeof(struct gemm_shape) == 152, "a new member is compared here");
    return a->n == b->n && a->k == b->k && a->library == b->library && a->format == b->format &&
           a->scaling == b->scaling && a->block == b->block && a->weights == b->weights &&
           !(a->scale_bytes < b->scale_bytes || a->scale_bytes > b->scale_bytes) &&
           a->accumulates == b->accumulates;
}

struct product_memo_place *product_memo_place(struct product_memo *memo,
                                              const struct gemm_shape *shape)
{
    if (shape->experts.count > 0) {
        return NULL;
    }
    uint32_t row = 0;
    while (row < memo->shape_count && !differ_in_rows_alone(&memo->shapes[row], shape)) {
        row++;
    }
    if (row == PRODUCT_MEMO_SHAPES) {
        return NULL;
    }
    if (row == memo->shape_count) {
        memo->shapes[memo->shape_count++] = *shape;
    }
    return &memo->room[row * PRODUCT_MEMO_PLACES + shape->m % PRODUCT_MEMO_PLACES];
}
