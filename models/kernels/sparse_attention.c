/* SPDX-License-Identifier: MIT */
#include "models/kernels/sparse_attention.h"

#include "models/kernels/gpu_matmul.h"

#include <math.h>

enum {
    PART_KEYS = 64, /* the fewest keys of a part of a query's: a page of FlashMLA */
    MANY_WAVES = 4  /* from so many on, blocks end evenly */
};

static double memory_rate(const struct gpu *gpu, const struct kernel_constants *constants)
{
    return gpu->memory_bytes_per_second * constants->memory_efficiency;
}

struct kernel_work indexer_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                const struct indexer_shape *shape)
{
    double flops = 2.0 * shape->pairs * shape->heads * shape->head_size;
    double bytes = shape->keys * shape->key_bytes + shape->pairs * shape->pair_bytes;
    double peak = matmul_flops_per_clock(gpu, shape->format) * gpu->streaming_multiprocessors;
    return (struct kernel_work){
        .fixed_seconds = constants->start_seconds,
        .sm_cycles = flops / (peak * constants->efficiency),
        .memory_seconds = bytes / memory_rate(gpu, constants),
        .flops = flops,
        .bytes = bytes,
        .core_joules = flops * matmul_joules_per_flop(gpu, shape->format),
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}

struct kernel_work top_k_work(const struct gpu *gpu, const struct kernel_constants *constants,
                              const struct indexer_shape *shape, double top_k)
{
    if (shape->pairs <= top_k * shape->queries) {
        return (struct kernel_work){.fixed_seconds = gpu->kernel_seconds};
    }
    double bytes = shape->pairs * shape->pair_bytes;
    return (struct kernel_work){
        .fixed_seconds = constants->start_seconds,
        .sm_cycles = shape->queries * constants->row_seconds / gpu->streaming_multiprocessors *
                     gpu->boost_clock_hertz,
        .memory_seconds = bytes / memory_rate(gpu, constants),
        .bytes = bytes,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}

double sparse_rows(const struct gpu *gpu, uint32_t heads)
{
    return ceil((double)heads / gpu->generation.decode_rows) * gpu->generation.decode_rows;
}

/* Blocks that each walk `keys` keys, in waves until there are many. */
static double waves_of(double blocks, double sms)
{
    return blocks < MANY_WAVES * sms ? ceil(blocks / sms) : blocks / sms;
}

struct kernel_work sparse_attention_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct sparse_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    double rows = sparse_rows(gpu, shape->heads);
    double blocks = shape->queries * shape->groups * rows / gpu->generation.decode_rows;
    double keys = constants->whole_choices ? shape->most_keys : shape->keys;
    double parts =
        constants->splits_keys ? fmax(1.0, fmin(floor(sms / blocks), ceil(keys / PART_KEYS))) : 1.0;
    double sizes = shape->key_size + shape->value_size;
    double flops_per_key = 2.0 * gpu->generation.decode_rows * sizes;
    double cycles_per_key =
        flops_per_key / (matmul_flops_per_clock(gpu, FORMAT_BF16) * constants->efficiency);
    /* What many queries choose, others chose too: it comes from L2. */
    double gathered = shape->queries * shape->groups * shape->keys * shape->key_bytes;
    bool many = shape->queries > KERNEL_FEW_QUERIES ||
                (shape->warm && gathered < gpu->generation.l2_share * gpu->l2_bytes);
    double row_bytes = shape->queries * shape->groups * rows * sizes * format_bytes(FORMAT_BF16);
    double rate = memory_rate(gpu, constants);
    struct kernel_work work = {
        .fixed_seconds = constants->start_seconds,
        .sm_cycles =
            waves_of(blocks * parts, sms) *
            (keys / parts * cycles_per_key + constants->block_seconds * gpu->boost_clock_hertz),
        .memory_seconds = row_bytes / rate + gathered / (many ? gpu->l2_bytes_per_second : rate),
        .flops = 2.0 * shape->queries * shape->groups * shape->heads * shape->keys * sizes,
        .bytes = row_bytes + (many ? 0.0 : gathered),
    };
    work.core_joules = blocks * keys *
                       (flops_per_key * matmul_joules_per_flop(gpu, FORMAT_BF16) +
                        gpu->generation.decode_rows * gpu->softmax_joules_per_score);
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

struct kernel_work group_sparse_work(const struct gpu *gpu,
                                     const struct kernel_constants *constants,
                                     const struct sparse_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    double blocks = shape->queries * shape->groups;
    double parts =
        constants->splits_keys
            ? fmax(1.0, fmin(floor(sms / blocks), shape->keys / gpu->generation.attention_queries))
            : 1.0;
    double gathered = blocks * shape->keys * shape->key_bytes;
    bool many = shape->queries > KERNEL_FEW_QUERIES ||
                (shape->warm && gathered < gpu->generation.l2_share * gpu->l2_bytes);
    double rate = memory_rate(gpu, constants);
    double l2_rate = gpu->l2_bytes_per_second *
                     (constants->l2_efficiency > 0.0 ? constants->l2_efficiency : 1.0);
    double sizes = shape->key_size + shape->value_size;
    struct kernel_work work = {
        .fixed_seconds = constants->start_seconds,
        .sm_cycles = waves_of(blocks * parts, sms) * shape->keys / parts * constants->step_seconds *
                     gpu->boost_clock_hertz,
        .memory_seconds = gathered / (many ? l2_rate : rate),
        .flops = 2.0 * blocks * shape->heads * shape->keys * sizes,
        .bytes = many ? 0.0 : gathered,
    };
    work.core_joules = work.flops * matmul_joules_per_flop(gpu, FORMAT_BF16);
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

/* Positions are summed as those of whole entries: the mean of floor(p / ratio) over a run is that
 * of (p - (ratio - 1) / 2) / ratio, but for the run's ends. */
double mean_entries(double first, double count, double ratio, double most)
{
    double last = first + count;
    double offset = 0.5 * (ratio - 1.0);
    double full = most * ratio; /* the position from which a query sees `most` */
    double rising = fmax(0.0, fmin(last, full) - first);
    double low = first + 1.0, high = fmin(last, full);
    double sum = rising > 0.0 ? rising * fmax(0.0, 0.5 * (low + high) - offset) / ratio : 0.0;
    return (sum + (count - rising) * most) / count;
}
