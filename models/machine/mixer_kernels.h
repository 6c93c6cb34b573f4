/* SPDX-License-Identifier: MIT
 * How the kernels of mixers other than grouped-query attention run on a GPU. The values come from
 * platforms/kernels/FAMILY/ *.yaml, each with its source; an engine's kernels name one library a
 * family. None belongs to a model. A member that a kernel does not use is 0. Seconds, bytes. */
#ifndef CPSIM_MODELS_MACHINE_MIXER_KERNELS_H
#define CPSIM_MODELS_MACHINE_MIXER_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_constants {
    double start_seconds;     /* launch, fill and drain */
    double efficiency;        /* of the matrix units' peak at the same clock, inside a block */
    double memory_efficiency; /* of the memory's peak, what it reads and writes once each */
    double l2_efficiency;     /* of the L2's rate, where all of that lies in it */
    double block_seconds;     /* of a block beside its walk; an SM takes one after the other */
    double step_seconds;      /* of a block's walk, a chunk, a part or a key */
    double token_seconds;     /* of a block's walk over the first tokens of a chunk */
    double row_seconds;       /* of every token, whatever its width */
    double state_bytes;       /* an element of a state in memory; 0: fp32's */
    double head_splits;       /* blocks that a head's values are cut into; 0: one */
    /* Another kernel for few tokens. */
    double few_tokens, few_start_seconds, few_block_seconds;
    bool apart;         /* what all SMs do at once and what waits are kernels of their own */
    bool splits_keys;   /* a sequence's keys go to many SMs when there are few sequences */
    bool whole_choices; /* a query's chosen tokens are padded to the largest number */
};

/* Of a cache in 16 bits; and of one in 8 bits where the kernel is another, on GPUs that hold fewer
 * than `narrow_heads` heads (0: any). */
struct kernel_variants {
    struct kernel_constants wide;
    struct kernel_constants narrow; /* start_seconds 0: as wide */
    uint32_t narrow_heads;
};

/* Small kernels and gaps around a mixer's core that nothing else stands for. */
struct kernel_rest {
    double seconds;        /* gaps of a pass that is launched kernel by kernel; none in a graph */
    double residual_bytes; /* read and written, a token and element of the residual */
    double host_seconds; /* of the host, where kernels are launched one by one: no pass is sooner */
};

/* Multi-head latent attention. */
struct latent_kernels {
    const char *name;
    struct kernel_variants expanded, absorbed, decode;
    /* A prompt of up to so many new tokens runs absorbed; with a cache in 8 bits (0: the same). */
    uint32_t absorbed_tokens, narrow_absorbed_tokens;
    bool casts_cache; /* a cache in 8 bits is cast to 16 before attention */
    struct kernel_rest prefill_rest, decode_rest;
};

/* Attention to what an indexer chose: of latent attention, of compressed, of grouped-query. */
struct sparse_kernels {
    const char *name;
    struct kernel_variants indexer_prefill, indexer_decode, top_k_prefill, top_k_decode;
    struct kernel_variants prefill, decode;
    bool pads_heads;       /* queries are copied to as many heads as the kernel's tile has rows */
    uint32_t dense_tokens; /* up to so many keys prefill is dense, and nothing is chosen */
    struct kernel_rest prefill_rest, decode_rest;
};

/* Linear attention and state spaces. */
struct linear_kernels {
    const char *name;
    struct kernel_variants scan, state_step, convolution, convolution_step;
};

struct hyper_kernels {
    const char *name;
    struct kernel_variants pre, post;
};

/* Of an engine. A family without a name has none: kernels then run at the rates of the GPU file's
 * attention and copies. */
struct mixer_kernels {
    struct latent_kernels latent;
    struct sparse_kernels sparse, compressed, group_sparse;
    struct linear_kernels linear, channel_linear, state_space;
    struct hyper_kernels hyper;
};

/* The constants for a cache of so many bits an element, with `heads` on the GPU. */
static inline const struct kernel_constants *kernel_variant(const struct kernel_variants *kernels,
                                                            bool narrow, uint32_t heads)
{
    bool other = narrow && kernels->narrow.start_seconds > 0.0 &&
                 (kernels->narrow_heads == 0 || heads < kernels->narrow_heads);
    return other ? &kernels->narrow : &kernels->wide;
}

#endif
