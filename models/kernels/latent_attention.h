/* SPDX-License-Identifier: MIT
 * Multi-head latent attention (arXiv 2405.04434, section 2.1). A token keeps one vector of `rank`
 * elements for the keys and values of all heads, and `rope` elements of a key with its position.
 *
 * Expanded: keys of nope + rope and values of `value` elements a head are made of the latent vector
 * first (a product of its own); then attention as usual. Absorbed: queries are multiplied with the
 * keys' up projection instead, so all heads share one key of rank + rope and one value of rank:
 * what decode does, for the latent cache is then read once for all heads. Pure. */
#ifndef CPSIM_MODELS_KERNELS_LATENT_ATTENTION_H
#define CPSIM_MODELS_KERNELS_LATENT_ATTENTION_H

#include "models/kernels/gpu_kernel.h"
#include "models/machine/mixer_kernels.h"

/* `queries` are the last of `keys` positions of each sequence, and see themselves and what is
 * before. */
struct latent_shape {
    uint64_t sequences, queries, keys;
    uint32_t heads; /* on this GPU */
    uint32_t rank, rope, nope, value;
    bool absorbed;
    bool warm; /* a benchmark's: the same cache again and again, found in L2 where it fits */
    enum format cache; /* of the latent vectors, absorbed; of keys and values, expanded */
};

struct kernel_work latent_attention_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct latent_shape *shape);

/* Query-key pairs of one head of one sequence. */
double latent_pairs(const struct latent_shape *shape);

#endif
