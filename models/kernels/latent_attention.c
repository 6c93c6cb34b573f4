/* SPDX-License-Identifier: MIT
 * Expanded: a block of queries of one head stays on an SM and walks its keys. Absorbed: the queries
 * of all heads are rows against one key, a matrix unit's rows of them on an SM at a time; a
 * scheduler hands every SM as many keys (FlashMLA, FlashAttention-3), so blocks end together. */
#include "models/kernels/latent_attention.h"

#include "models/kernels/gpu_attention.h"
#include "models/kernels/gpu_matmul.h"

#include <assert.h>
#include <math.h>

enum { PART_KEYS = 64 }; /* the fewest keys of a part of a sequence: a page of FlashMLA */

static double block_cycles_per_key(const struct gpu *gpu, const struct kernel_constants *constants,
                                   double rows, double flops_per_key)
{
    double products =
        flops_per_key / (matmul_flops_per_clock(gpu, FORMAT_BF16) * constants->efficiency);
    return overlapped_seconds(gpu, products,
                              gpu->softmax_cycles * rows / gpu->generation.attention_queries);
}

double latent_pairs(const struct latent_shape *shape)
{
    double queries = (double)shape->queries;
    return queries * ((double)shape->keys - 0.5 * (queries - 1.0));
}

static struct kernel_work finish(const struct gpu *gpu, const struct kernel_constants *constants,
                                 struct kernel_work work)
{
    work.memory_seconds =
        work.bytes / (gpu->memory_bytes_per_second * constants->memory_efficiency);
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

static struct kernel_work expanded_work(const struct gpu *gpu,
                                        const struct kernel_constants *constants,
                                        const struct latent_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    double keys = (double)shape->keys;
    double heads = (double)shape->sequences * shape->heads;
    double blocks_of_head = ceil((double)shape->queries / gpu->generation.attention_queries);
    /* Causal block i of b sees the keys up to its last query. */
    double first = fmax(keys - (blocks_of_head - 1.0) * gpu->generation.attention_queries,
                        fmin(keys, gpu->generation.attention_queries));
    double blocks = heads * blocks_of_head;
    double block_keys = blocks * 0.5 * (first + keys);
    const struct attention_blocks sum = {
        .blocks = blocks, .keys = block_keys, .longest = keys, .shortest = first};
    double makespan = attention_makespan_keys(&sum, sms);
    double sizes = shape->nope + shape->rope + shape->value;
    double flops_per_key = 2.0 * gpu->generation.attention_queries * sizes;
    struct kernel_work work = {.fixed_seconds = constants->start_seconds};
    work.sm_cycles =
        makespan *
            block_cycles_per_key(gpu, constants, gpu->generation.attention_queries, flops_per_key) +
        ceil(blocks / sms) * constants->block_seconds * gpu->boost_clock_hertz;
    work.flops = 2.0 * heads * latent_pairs(shape) * sizes;
    /* Queries and outputs in bf16, keys and values as they are kept. */
    work.bytes = heads * ((double)shape->queries * (shape->nope + shape->rope + shape->value) *
                              format_bytes(FORMAT_BF16) +
                          keys * sizes * format_bytes(shape->cache));
    work.core_joules =
        block_keys * (flops_per_key * matmul_joules_per_flop(gpu, FORMAT_BF16) +
                      gpu->generation.attention_queries * gpu->softmax_joules_per_score);
    return finish(gpu, constants, work);
}

/* Parts that each sequence's keys are cut into, so that there is one for every SM. */
static double parts_of(const struct latent_shape *shape, double blocks, double sms)
{
    double most = ceil((double)shape->keys / PART_KEYS);
    return fmin(most, fmax(1.0, floor(sms / blocks)));
}

static struct kernel_work absorbed_work(const struct gpu *gpu,
                                        const struct kernel_constants *constants,
                                        const struct latent_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    double sequences = (double)shape->sequences, keys = (double)shape->keys;
    double rows = (double)shape->queries * shape->heads;
    double blocks_of_sequence = ceil(rows / gpu->generation.decode_rows);
    double blocks = sequences * blocks_of_sequence;
    double block_keys = blocks * latent_pairs(shape) / (double)shape->queries;
    double sizes = 2.0 * shape->rank + shape->rope;
    double flops_per_key = 2.0 * gpu->generation.decode_rows * sizes;
    double parts = constants->splits_keys ? parts_of(shape, blocks, sms) : 1.0;
    /* The longest are handed out first. */
    double makespan = fmax(block_keys / sms, keys / parts);
    struct kernel_work work = {.fixed_seconds = constants->start_seconds};
    work.sm_cycles =
        makespan * block_cycles_per_key(gpu, constants, gpu->generation.decode_rows, flops_per_key);
    work.flops = 2.0 * sequences * shape->heads * latent_pairs(shape) * sizes;
    double cache_bytes =
        sequences * keys * (shape->rank + shape->rope) * format_bytes(shape->cache);
    double row_bytes = sequences * rows * sizes * format_bytes(FORMAT_BF16);
    double rate = gpu->memory_bytes_per_second * constants->memory_efficiency;
    bool in_l2 = shape->warm && cache_bytes < gpu->generation.l2_share * gpu->l2_bytes;
    work.bytes = (in_l2 ? 0.0 : cache_bytes) + row_bytes;
    work.memory_seconds = cache_bytes / (in_l2 ? gpu->l2_bytes_per_second : rate);
    /* A block's queries come before its first key, its outputs go after its last. */
    work.fixed_seconds += row_bytes / rate + blocks / sms * constants->block_seconds;
    if (parts > 1.0) {
        double partial_bytes =
            2.0 * sequences * rows * parts * shape->rank * format_bytes(FORMAT_FP32);
        work.fixed_seconds +=
            parts * constants->step_seconds + partial_bytes / gpu->l2_bytes_per_second;
    }
    work.core_joules = block_keys * (flops_per_key * matmul_joules_per_flop(gpu, FORMAT_BF16) +
                                     gpu->generation.decode_rows * gpu->softmax_joules_per_score);
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

struct kernel_work latent_attention_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct latent_shape *shape)
{
    assert(shape->sequences > 0 && shape->queries > 0 && shape->keys >= shape->queries &&
           "an empty attention");
    return shape->absorbed ? absorbed_work(gpu, constants, shape)
                           : expanded_work(gpu, constants, shape);
}
