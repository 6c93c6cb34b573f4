/* SPDX-License-Identifier: MIT
 * What the GPU file's attention (gpu_attention.c) and that of engines' libraries
 * (library_attention.c) share. Pure. */
#ifndef CPSIM_MODELS_KERNELS_GPU_ATTENTION_H
#define CPSIM_MODELS_KERNELS_GPU_ATTENTION_H

#include "models/kernels/gpu_kernel.h"

static inline uint32_t attention_value_size(const struct attention_shape *shape)
{
    return shape->value_head_size > 0 ? shape->value_head_size : shape->head_size;
}

/* Matrix units work on head sizes in steps of the generation's. */
double attention_padded(const struct gpu *gpu, double head_size);
/* Matrix-unit FLOPs of one SM in one clock; joules of one at boost voltage. */
double attention_flops_per_clock(const struct gpu *gpu, enum format compute);
double attention_joules_per_flop(const struct gpu *gpu, enum format compute);
/* Keys and values of all sequences; queries in and outputs out. */
double attention_kv_bytes(const struct attention_shape *shape);
double attention_query_bytes(const struct attention_shape *shape);
/* Of query-key pairs that are seen, forward. */
double attention_useful_flops(const struct attention_shape *shape);

/* Which of a library's kernels a shape is for. */
enum keys_width keys_width_of(const struct attention_shape *shape);
/* The shape's library's kernel for it; NULL: it has none, the GPU file's is used. */
const struct prefill_kernel *library_prefill(const struct attention_shape *shape);
const struct decode_kernel *library_decode(const struct attention_shape *shape);
struct kernel_work library_prefill_work(const struct gpu *gpu, const struct prefill_kernel *kernel,
                                        const struct attention_shape *shape);
struct kernel_work library_decode_work(const struct gpu *gpu, const struct decode_kernel *kernel,
                                       const struct attention_shape *shape);

/* Blocks of queries of one launch. */
struct attention_blocks {
    double blocks;
    double keys;              /* over all blocks */
    double longest, shortest; /* keys of one block */
};

/* When the SM that ends last is done, in keys. Blocks alike go in full waves. Blocks of growing
 * length, handed out in order, fill the SMs evenly until the last, which is the longest, starts. */
double attention_makespan_keys(const struct attention_blocks *sum, double sms);

#endif
