/* SPDX-License-Identifier: MIT
 * What stands for a family of kernels of which a software file names no library: the rates that the
 * GPU file has of attention, products and copies. An extrapolation. Pure. */
#ifndef CPSIM_MODELS_KERNELS_KERNEL_DEFAULT_H
#define CPSIM_MODELS_KERNELS_KERNEL_DEFAULT_H

#include "models/machine/gpu.h"
#include "models/machine/mixer_kernels.h"

/* A family of a software stack, or what stands for it. */
struct latent_kernels latent_kernels_of(const struct latent_kernels *family, const struct gpu *gpu);
struct sparse_kernels sparse_kernels_of(const struct sparse_kernels *family, const struct gpu *gpu);
struct linear_kernels linear_kernels_of(const struct linear_kernels *family, const struct gpu *gpu);
struct hyper_kernels hyper_kernels_of(const struct hyper_kernels *family, const struct gpu *gpu);

#endif
