/* SPDX-License-Identifier: MIT
 * Attention to chosen tokens: an indexer scores every earlier token (or compressed entry) for every
 * query, the best few are taken, attention gathers them (DeepSeek-V3.2, arXiv 2512.02556,
 * section 2.1). Compressed attention (DeepSeek-V4) reads chosen or all entries and a window the
 * same way. Pure. */
#ifndef CPSIM_MODELS_KERNELS_SPARSE_ATTENTION_H
#define CPSIM_MODELS_KERNELS_SPARSE_ATTENTION_H

#include "models/kernels/gpu_kernel.h"
#include "models/machine/mixer_kernels.h"

/* Scores of `heads` x `head_size` queries against one key a token, weighted and summed over heads:
 * 2 x heads x head_size FLOPs a pair. */
/* Above so many queries what they gather together is taken to come from L2. */
enum { KERNEL_FEW_QUERIES = 1024 };

struct indexer_shape {
    double queries; /* of all sequences */
    double pairs;   /* of a query and a key it sees, of all sequences */
    double keys;    /* read, of all sequences */
    uint32_t heads, head_size;
    double key_bytes;   /* of one key in the cache, scale included */
    enum format format; /* of the products */
    double pair_bytes;  /* of a score written, and read again by the choice */
};

struct kernel_work indexer_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                const struct indexer_shape *shape);

/* The choice of `top_k` among the scores. Nothing to choose, where no query sees more: a start. */
struct kernel_work top_k_work(const struct gpu *gpu, const struct kernel_constants *constants,
                              const struct indexer_shape *shape, double top_k);

/* softmax(Q K^T) V with keys that a query has for itself. One key and value of `key_size` and
 * `value_size` for `heads` heads. */
struct sparse_shape {
    double queries;   /* of all sequences */
    double keys;      /* that a query reads, on average ... */
    double most_keys; /* ... and that room is made for */
    uint32_t heads;   /* that share the key: rows of one product */
    uint32_t groups;  /* of such heads, each with keys of its own */
    uint32_t key_size, value_size;
    double key_bytes; /* of a token in the cache, key and value together */
    bool warm;        /* a benchmark's: the same cache again and again */
};

struct kernel_work sparse_attention_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct sparse_shape *shape);
/* Of grouped-query attention: a group has few rows, and keys and values apart. */
struct kernel_work group_sparse_work(const struct gpu *gpu,
                                     const struct kernel_constants *constants,
                                     const struct sparse_shape *shape);

/* Rows that a product of sparse_attention_work() has. */
double sparse_rows(const struct gpu *gpu, uint32_t heads);

/* The mean over queries at positions first + 1 .. first + count (from 1) of min(position / ratio
 * rounded down, most). */
double mean_entries(double first, double count, double ratio, double most);

#endif
