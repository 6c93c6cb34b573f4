/* SPDX-License-Identifier: MIT */
#include "models/kernels/kernel_default.h"

#include <stddef.h>

static struct kernel_variants attention_class(const struct gpu *gpu, bool decode)
{
    return (struct kernel_variants){
        .wide = {.start_seconds = decode ? gpu->decode_attention_seconds : gpu->attention_seconds,
                 .efficiency = gpu->attention_efficiency,
                 .memory_efficiency = decode ? gpu->decode_efficiency : gpu->memory_efficiency,
                 .l2_efficiency = 1.0,
                 .block_seconds = gpu->attention_block_seconds,
                 .splits_keys = true}};
}

static struct kernel_variants memory_class(const struct gpu *gpu)
{
    return (struct kernel_variants){.wide = {.start_seconds = gpu->kernel_seconds,
                                             .efficiency = gpu->attention_efficiency,
                                             .memory_efficiency = gpu->copy_efficiency,
                                             .l2_efficiency = 1.0}};
}

static struct latent_kernels default_latent(const struct gpu *gpu)
{
    return (struct latent_kernels){.expanded = attention_class(gpu, false),
                                   .absorbed = attention_class(gpu, false),
                                   .decode = attention_class(gpu, true)};
}

static struct sparse_kernels default_sparse(const struct gpu *gpu)
{
    struct kernel_variants memory = memory_class(gpu);
    return (struct sparse_kernels){.indexer_prefill = memory,
                                   .indexer_decode = memory,
                                   .top_k_prefill = memory,
                                   .top_k_decode = memory,
                                   .prefill = attention_class(gpu, false),
                                   .decode = attention_class(gpu, true)};
}

static struct linear_kernels default_linear(const struct gpu *gpu)
{
    struct kernel_variants memory = memory_class(gpu);
    struct kernel_variants scan = memory;
    /* A chunk waits for the one before it as a block of attention does for its products. */
    scan.wide.step_seconds = gpu->attention_block_seconds;
    return (struct linear_kernels){
        .scan = scan, .state_step = memory, .convolution = memory, .convolution_step = memory};
}

static struct hyper_kernels default_hyper(const struct gpu *gpu)
{
    return (struct hyper_kernels){.pre = memory_class(gpu), .post = memory_class(gpu)};
}

struct latent_kernels latent_kernels_of(const struct latent_kernels *family, const struct gpu *gpu)
{
    return family->name != NULL ? *family : default_latent(gpu);
}

struct sparse_kernels sparse_kernels_of(const struct sparse_kernels *family, const struct gpu *gpu)
{
    return family->name != NULL ? *family : default_sparse(gpu);
}

struct linear_kernels linear_kernels_of(const struct linear_kernels *family, const struct gpu *gpu)
{
    return family->name != NULL ? *family : default_linear(gpu);
}

struct hyper_kernels hyper_kernels_of(const struct hyper_kernels *family, const struct gpu *gpu)
{
    return family->name != NULL ? *family : default_hyper(gpu);
}
