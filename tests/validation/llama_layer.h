/* SPDX-License-Identifier: MIT
 * The kernels of one Llama layer as the measuring program ran them (silicon/README.md): one tensor-
 * parallel shard without its all-reduces, no key-value append. */
#ifndef CPSIM_TESTS_VALIDATION_LLAMA_LAYER_H
#define CPSIM_TESTS_VALIDATION_LLAMA_LAYER_H

#include "models/kernels/gpu_power.h"

#include <check.h>
#include <string.h>

enum { LAYER_MAX_KERNELS = 40 };

struct layer_shape {
    const char *model, *precision; /* "llama3-8b"; "bf16", "fp8ffn", "fp8" */
    double shards;
    uint64_t sequences, new_tokens, context; /* new tokens and all tokens of one sequence */
    bool decode;
    bool compiled; /* a compiler fused the memory-bound kernels */
    bool backward; /* and the backward pass follows */
};

struct layer_kernels {
    struct kernel_work works[LAYER_MAX_KERNELS];
    size_t count;
    const struct gpu *gpu;
    bool compiled;
};

static inline void layer_memory(struct layer_kernels *layer, enum memory_kernel kernel, double rows,
                                double columns, double bytes_per_element)
{
    struct memory_shape shape = {.kernel = kernel,
                                 .rows = (uint64_t)rows,
                                 .columns = (uint64_t)columns,
                                 .bytes = rows * columns * bytes_per_element,
                                 .fused = layer->compiled};
    layer->works[layer->count++] = memory_kernel_work(layer->gpu, &shape);
}

static inline void layer_gemm(struct layer_kernels *layer, double m, double n, double k, bool fp8)
{
    struct gemm_shape shape = {.m = (uint64_t)m,
                               .n = (uint64_t)n,
                               .k = (uint64_t)k,
                               .format = fp8 ? FORMAT_FP8 : FORMAT_BF16,
                               .scaling = fp8 ? SCALING_TENSOR : SCALING_NONE};
    if (fp8) { /* a cast of its own before each product */
        layer_memory(layer, MEMORY_QUANTISE, m, k, 3.0);
    }
    layer->works[layer->count++] = gemm_work(layer->gpu, &shape);
}

/* Gradients of input and weights of a linear layer of m x n outputs and k inputs. */
static inline void layer_gemm_backward(struct layer_kernels *layer, double m, double n, double k)
{
    layer_gemm(layer, m, k, n, false);
    layer_gemm(layer, n, k, m, false);
}

static inline struct layer_kernels layer_kernels(const struct gpu *gpu,
                                                 const struct layer_shape *shape)
{
    static const struct {
        const char *name;
        double hidden, ffn, query_heads, kv_heads;
    } models[] = {
        {"llama3-8b", 4096, 14336, 32, 8},
        {"llama3-70b", 8192, 28672, 64, 8},
        {"llama3-405b", 16384, 53248, 128, 8},
    };
    size_t model = 0;
    while (strcmp(models[model].name, shape->model) != 0) {
        ck_assert_uint_lt(++model, sizeof models / sizeof *models);
    }
    const double head_size = 128;
    double m = (double)(shape->sequences * shape->new_tokens);
    double hidden = models[model].hidden, ffn = models[model].ffn / shape->shards;
    double query_heads = models[model].query_heads / shape->shards;
    double kv_heads = fmax(1.0, models[model].kv_heads / shape->shards);
    double qkv = (query_heads + 2.0 * kv_heads) * head_size;
    double rotated = (query_heads + kv_heads) * head_size;
    bool fp8_ffn = strncmp(shape->precision, "fp8", 3) == 0;
    bool fp8_all = strcmp(shape->precision, "fp8") == 0;
    struct attention_shape attention = {.sequences = shape->sequences,
                                        .queries = shape->new_tokens,
                                        .keys = shape->context,
                                        .query_heads = (uint32_t)query_heads,
                                        .kv_heads = (uint32_t)kv_heads,
                                        .head_size = (uint32_t)head_size,
                                        .causal = !shape->decode,
                                        .format = FORMAT_BF16};

    struct layer_kernels layer = {.gpu = gpu, .compiled = shape->compiled};
    layer_memory(&layer, MEMORY_ADD_RMSNORM, m, hidden, 8.0);
    layer_gemm(&layer, m, qkv, hidden, fp8_all);
    layer_memory(&layer, MEMORY_ROPE, m, rotated, 4.0);
    layer.works[layer.count++] = attention_work(gpu, &attention, 1);
    layer_gemm(&layer, m, hidden, query_heads * head_size, fp8_all);
    layer_memory(&layer, MEMORY_ADD_RMSNORM, m, hidden, 8.0);
    layer_gemm(&layer, m, 2.0 * ffn, hidden, fp8_ffn);
    layer_memory(&layer, MEMORY_SWIGLU, m, ffn, 6.0);
    layer_gemm(&layer, m, hidden, ffn, fp8_ffn);
    if (shape->backward) {
        attention.backward = true;
        layer_gemm_backward(&layer, m, hidden, ffn);
        layer_memory(&layer, MEMORY_SWIGLU, m, ffn, 10.0); /* three in, two gradients out */
        layer_gemm_backward(&layer, m, 2.0 * ffn, hidden);
        layer_memory(&layer, MEMORY_ADD_RMSNORM, m, hidden, 8.0);
        layer_gemm_backward(&layer, m, hidden, query_heads * head_size);
        layer.works[layer.count++] = attention_work(gpu, &attention, 1);
        layer_memory(&layer, MEMORY_ROPE, m, rotated, 4.0);
        layer_gemm_backward(&layer, m, qkv, hidden);
        layer_memory(&layer, MEMORY_ADD_RMSNORM, m, hidden, 8.0);
    }
    return layer;
}

static inline struct power_load layer_load(const struct layer_kernels *layer)
{
    return (struct power_load){.works = layer->works, .work_count = layer->count};
}

#endif
