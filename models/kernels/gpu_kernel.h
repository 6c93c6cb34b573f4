/* SPDX-License-Identifier: MIT
 * Seconds and joules of one kernel on one GPU, from its shape, its formats and the GPU file alone.
 * Pure functions. Times are those of a kernel inside a CUDA graph; what an eager launch adds
 * belongs to the software stack (models/machine/software.h).
 *
 * Two steps: a shape becomes work (what does not depend on the clock: cycles of the SMs, seconds of
 * the memory, joules at boost voltage), and work is priced at a clock. models/kernels/gpu_power.h
 * finds the clock at which a run of such works keeps to the power limit. */
#ifndef CPSIM_MODELS_KERNELS_GPU_KERNEL_H
#define CPSIM_MODELS_KERNELS_GPU_KERNEL_H

#include "models/kernels/experts.h"
#include "models/machine/format.h"
#include "models/machine/gpu.h"
#include "models/machine/kernel_library.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a product of experts in training. */
enum experts_gradient {
    EXPERTS_FORWARD,
    EXPERTS_INPUT_GRADIENT, /* out[m][k] from gradients [m][n] and weights */
    EXPERTS_WEIGHT_GRADIENT /* out[expert][k][n] from inputs [m][k] and gradients [m][n] */
};

/* out[m][n] = a[m][k] x weight[k][n]; out is bf16. With experts each row has the weights of one of
 * them, sorted by expert, in one launch (a grouped product). */
struct gemm_shape {
    uint64_t m, n, k;               /* with experts, m: tokens x experts of a token */
    struct experts experts;         /* count 0: none */
    struct routing routing;         /* of their tokens; all zero: even, on one rank */
    enum experts_gradient gradient; /* m, n and k stay the forward product's */
    uint32_t expert_width; /* of an expert's middle layer on this rank; for a library's tuning */
    const struct kernel_library *library; /* whose kernel it is, of experts or with scales; NULL:
                                             the GPU file's */
    enum format format;   /* that the matrix units multiply: both operands, in memory too ... */
    enum scaling scaling; /* SCALING_NONE for 16-bit formats */
    uint32_t block;       /* elements along k that share a scale, with SCALING_BLOCK */
    enum format weights;  /* ... but for weights kept narrower, which the SMs turn into `format` on
                             their way; FORMAT_UNSET: they are as computed */
    double scale_bytes;   /* of such weights (of one expert), read with them */
    bool accumulates;     /* out is fp32 and added to what is there: gradients of weights */
};

/* softmax(Q K^T) V for `sequences` sequences alike: `queries` x `query_heads` x `head_size` against
 * `keys` x `kv_heads` x `head_size` each. causal: the last `queries` positions of `keys`, each
 * seeing itself and what is before it; otherwise every query sees every key. Attention sinks are a
 * term of the softmax's sum and cost nothing. */
struct attention_shape {
    uint64_t sequences, queries, keys;
    uint32_t query_heads, kv_heads, head_size;
    uint32_t value_head_size; /* of a value; 0: as a key's */
    bool causal;
    uint64_t window; /* causal: a query sees so many positions, itself among them; 0: all */
    bool warm;       /* measured over and over: what fits the L2 is found there */
    const struct kernel_library *library; /* whose kernel it is; NULL: the GPU file's */
    bool masks_ragged;   /* prefill: the kernel masks every block when the last is not full */
    enum format format;  /* of keys and values in memory */
    enum format compute; /* of the two products; FORMAT_UNSET: bf16 */
    double scale_bytes;  /* of one key or value of one head */
    uint32_t kv_splits;  /* decode: parts that each sequence's keys are cut into; 0: by shape */
    uint32_t page_keys;  /* keys a page of a paged cache; 0: one piece */
    bool beside_prompts; /* decode, in one kernel with prompts: the software's business */
    bool ring;           /* a part of a ring in training; the software's business, not the GPU's */
    bool backward;       /* gradients of queries, keys and values: five products for two */
};

/* Kernels bound by memory. Each has rows (tokens) and columns. */
enum memory_kernel {
    MEMORY_COPY,         /* reads and writes rows x columns */
    MEMORY_ADD_RMSNORM,  /* reads x and residual, writes both */
    MEMORY_SWIGLU,       /* reads 2 x columns, writes columns */
    MEMORY_ROPE,         /* reads and writes rows x columns (query and key heads) */
    MEMORY_QUANTISE_ROW, /* bf16 read, fp8 and a scale a row (or block) written */
    MEMORY_QUANTISE,     /* bf16 read, fp8 written, scale known: a cast */
    MEMORY_DEQUANTISE,   /* the way back */
    MEMORY_KV_APPEND,    /* reads rows x columns, writes them to the cache */
    MEMORY_MERGE,        /* merges two partial attention outputs by their log-sum-exp (Eq. 4 of
                            arXiv 2411.01783) */
    MEMORY_EMBEDDING,    /* gathers rows of `columns` */
    MEMORY_OPTIMIZER,    /* AdamW: reads and writes parameters, gradients and two moments */
    MEMORY_KERNEL_COUNT
};

struct memory_shape {
    enum memory_kernel kernel;
    uint64_t rows, columns;
    double bytes;       /* read and written together, once each */
    double row_seconds; /* it takes no less for each row: a block a row; 0: bytes alone count */
    bool fused; /* generated by a compiler that joins neighbours: runs at a copy's rate. Otherwise
                   as a framework's own kernels do, some of them several passes */
};

enum bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_LAUNCH, BOUND_NETWORK };

/* What a kernel asks of the GPU, whatever the clock. */
struct kernel_work {
    double fixed_seconds;  /* launch, fill and drain */
    double sm_cycles;      /* of the SM that works longest */
    double memory_seconds; /* GPU memory and L2 alone */
    double flops;          /* useful: 2mnk; 4 x queries x keys x heads x head size, half causal */
    double bytes;          /* to and from GPU memory */
    double core_joules;    /* of SMs and L2 at boost voltage */
    double memory_joules;  /* of the memory: does not depend on the clock */
};

struct kernel_cost {
    double seconds;
    double flops;
    double bytes;
    double joules; /* above idle, at this clock */
    enum bound bound;
};

struct kernel_work gemm_work(const struct gpu *gpu, const struct gemm_shape *shape);
/* One launch of `count` shapes (load-balanced sharding hands a ring step two rectangles); shapes
 * with no sequences, queries or keys are skipped. */
struct kernel_work attention_work(const struct gpu *gpu, const struct attention_shape *shapes,
                                  size_t count);
struct kernel_work memory_kernel_work(const struct gpu *gpu, const struct memory_shape *shape);

/* At `clock_hertz`, above 0 and up to gpu->boost_clock_hertz: under a power limit the clock sinks,
 * and with it the rate of whatever computes. */
struct kernel_cost kernel_cost_at(const struct gpu *gpu, const struct kernel_work *work,
                                  double clock_hertz);

/* How long compute and memory take together: they overlap, but not wholly, so near the ridge both
 * cost: (a^p + b^p)^(1/p). */
double overlapped_seconds(const struct gpu *gpu, double sm_seconds, double memory_seconds);

/* The two steps in one. */
struct kernel_cost gemm_cost(const struct gpu *gpu, const struct gemm_shape *shape,
                             double clock_hertz);
struct kernel_cost attention_cost(const struct gpu *gpu, const struct attention_shape *shape,
                                  double clock_hertz);
struct kernel_cost memory_kernel_cost(const struct gpu *gpu, const struct memory_shape *shape,
                                      double clock_hertz);

const char *memory_kernel_name(enum memory_kernel kernel);
const char *bound_name(enum bound bound);

#endif
