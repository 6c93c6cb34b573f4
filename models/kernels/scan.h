/* SPDX-License-Identifier: MIT
 * What passes a state along the tokens: gated delta nets (arXiv 2412.06464), Kimi delta attention
 * (2510.26692), Mamba-2 (2405.21060), and the short convolution before them. Prefill works in
 * chunks: products within each, then the state from chunk to chunk; decode reads and writes the
 * state once. Pure. */
#ifndef CPSIM_MODELS_KERNELS_SCAN_H
#define CPSIM_MODELS_KERNELS_SCAN_H

#include "models/kernels/gpu_kernel.h"
#include "models/machine/mixer_kernels.h"

/* A state of `key_size` x `value_size` a value head. */
struct scan_shape {
    uint64_t sequences, tokens; /* new, each */
    uint32_t key_heads, value_heads, key_size, value_size;
    bool warm; /* a benchmark's: the same states again and again, found in L2 where they fit */
};

struct kernel_work scan_work(const struct gpu *gpu, const struct kernel_constants *constants,
                             const struct scan_shape *shape);
struct kernel_work state_step_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                   const struct scan_shape *shape);

/* `taps` along the tokens of each channel, kept beside the state. */
struct convolution_shape {
    uint64_t sequences, tokens; /* new, each */
    uint64_t channels;
    uint32_t taps;
    bool warm;
};

struct kernel_work convolution_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                    const struct convolution_shape *shape);

/* FLOPs of the update and the read of one state by one token. */
double scan_flops_per_token(const struct scan_shape *shape);

#endif
