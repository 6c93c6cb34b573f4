/* SPDX-License-Identifier: MIT
 * Manifold-constrained hyper-connections (arXiv 2512.24880): the residual is `streams` vectors a
 * token. Before half a layer (`pre`) they are read for the coefficients (a product of all of them
 * with few columns, made doubly stochastic) and read again for their weighted sum; after it
 * (`post`) they are mixed, the half's output added to each. Pure. */
#ifndef CPSIM_MODELS_KERNELS_HYPER_CONNECTION_H
#define CPSIM_MODELS_KERNELS_HYPER_CONNECTION_H

#include "models/kernels/gpu_kernel.h"
#include "models/machine/mixer_kernels.h"

struct hyper_shape {
    uint64_t tokens;
    uint32_t streams, hidden;
    bool post;
};

struct kernel_work hyper_connection_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct hyper_shape *shape);

#endif
