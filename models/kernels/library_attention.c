/* SPDX-License-Identifier: MIT
 * Attention as an engine's own kernels do it (models/machine/kernel_library.h). Prefill: blocks of
 * queries walk their keys in tiles; with a window they start at the first tile that it reaches
 * into. Decode: keys are read once, cut into parts when heads are too few to fill the GPU. */
#include "models/kernels/gpu_attention.h"

#include <assert.h>
#include <math.h>

static const double reference_head = 128.0;

/* Kernels are made for powers of two; other sizes are padded by kernels of their own, or not. */
static bool is_odd_head(const struct attention_shape *shape)
{
    return (shape->head_size & (shape->head_size - 1U)) != 0;
}

static double narrow_cycles(double cycles, double growth, double head_size)
{
    return cycles > 0.0 ? cycles * pow(head_size / reference_head, growth) : 0.0;
}

enum keys_width keys_width_of(const struct attention_shape *shape)
{
    enum { LARGEST_HEAD = 256 };
    bool narrow = format_bytes(shape->format) < format_bytes(FORMAT_BF16);
    if (shape->head_size > LARGEST_HEAD) {
        return narrow ? KEYS_LARGE_NARROW : KEYS_LARGE;
    }
    return narrow ? KEYS_NARROW : KEYS_WIDE;
}

const struct prefill_kernel *library_prefill(const struct attention_shape *shape)
{
    const struct kernel_library *library = shape->library;
    const struct prefill_kernel *kernel =
        library == NULL || shape->backward ? NULL : &library->prefill[keys_width_of(shape)];
    return kernel != NULL && kernel->efficiency > 0.0 ? kernel : NULL;
}

const struct decode_kernel *library_decode(const struct attention_shape *shape)
{
    const struct kernel_library *library = shape->library;
    const struct decode_kernel *kernel =
        library == NULL || shape->backward ? NULL : &library->decode[keys_width_of(shape)];
    return kernel != NULL && kernel->memory_efficiency > 0.0 ? kernel : NULL;
}

/* --- prefill --- */

/* Blocks of one launch, in keys of one block. */
struct walk {
    double block_queries, blocks;
    double mean, longest, shortest;
};

static struct walk walk_of(const struct prefill_kernel *kernel, const struct attention_shape *shape)
{
    enum { SMALL_HEAD = 64 };
    double queries = (double)shape->queries, keys = (double)shape->keys;
    double group = kernel->packs_heads ? (double)shape->query_heads / shape->kv_heads : 1.0;
    struct walk walk = {.block_queries = shape->head_size <= SMALL_HEAD ? kernel->small_head_queries
                                                                        : kernel->block_queries};
    double span = walk.block_queries / group; /* positions of a block */
    double blocks = ceil(queries * group / walk.block_queries);
    walk.blocks = (double)shape->sequences * shape->query_heads / group * blocks;
    walk.longest = walk.shortest = walk.mean = keys;
    if (shape->causal) {
        double first = fmax(fmin(span, keys), keys - (blocks - 1.0) * span);
        walk.shortest = fmin(first, keys);
        walk.mean = 0.5 * (walk.shortest + keys);
    }
    if (shape->window > 0) {
        double tile = kernel->tile_bytes / (shape->head_size * format_bytes(shape->format));
        tile = kernel->most_tile_keys > 0 ? fmin(tile, kernel->most_tile_keys) : tile;
        /* The positions that a block's queries see lie in so many tiles, wherever they begin. */
        walk.longest = fmin(keys, (double)shape->window + span + fmax(tile, 2.0) - 2.0);
        walk.mean = fmin(walk.longest, walk.mean);
        walk.shortest = walk.longest;
    }
    return walk;
}

/* When the last SM is done, in keys. */
static double last_end(const struct prefill_kernel *kernel, const struct walk *walk, double sms)
{
    double total = walk->blocks * walk->mean;
    double waves = ceil(walk->blocks / sms) * walk->mean;
    bool alike = walk->shortest >= walk->longest;
    if (alike) {
        return fmax(walk->longest, waves);
    }
    if (kernel->tail_share > 0.0) {
        return fmax(walk->longest, total / sms * (1.0 + kernel->tail_share));
    }
    double in_order = fmin((total - walk->longest) / sms + walk->longest, 2.0 * waves);
    double spread = 1.0 - walk->shortest / walk->longest;
    return fmax(walk->longest, (1.0 - spread) * waves + spread * in_order);
}

struct kernel_work library_prefill_work(const struct gpu *gpu, const struct prefill_kernel *kernel,
                                        const struct attention_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    struct walk walk = walk_of(kernel, shape);
    double head = attention_padded(gpu, shape->head_size);
    double values = attention_padded(gpu, attention_value_size(shape));
    bool narrow = kernel->computes_narrow || shape->compute == FORMAT_FP8;
    enum format compute = narrow ? FORMAT_FP8 : FORMAT_BF16;
    double key_flops = 2.0 * walk.block_queries * (head + values);
    double key_cycles =
        overlapped_seconds(
            gpu, key_flops / (attention_flops_per_clock(gpu, compute) * kernel->efficiency),
            kernel->softmax_cycles * walk.block_queries / reference_head) +
        narrow_cycles(kernel->narrow_cycles, kernel->narrow_growth, head);
    double bytes = attention_kv_bytes(shape) + attention_query_bytes(shape);
    double tokens = (double)shape->sequences * (double)shape->queries;
    double around = kernel->around_passes * format_bytes(FORMAT_BF16) * tokens *
                    (shape->query_heads + 2.0 * shape->kv_heads) * shape->head_size;
    double copy_rate = gpu->memory_bytes_per_second * gpu->copy_efficiency;
    return (struct kernel_work){
        .fixed_seconds = kernel->start_seconds + around / copy_rate +
                         (is_odd_head(shape) ? kernel->odd_seconds : 0.0),
        .sm_cycles = last_end(kernel, &walk, sms) * key_cycles +
                     ceil(walk.blocks / sms) * kernel->block_seconds * gpu->boost_clock_hertz,
        .memory_seconds = bytes / (gpu->memory_bytes_per_second * gpu->memory_efficiency),
        .flops = attention_useful_flops(shape),
        .bytes = bytes,
        .core_joules = walk.blocks * walk.mean *
                       (key_flops * attention_joules_per_flop(gpu, compute) +
                        walk.block_queries * gpu->softmax_joules_per_score),
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}

/* --- decode --- */

struct kernel_work library_decode_work(const struct gpu *gpu, const struct decode_kernel *kernel,
                                       const struct attention_shape *shape)
{
    struct attention_shape seen = *shape;
    if (shape->window > 0 && shape->window + shape->queries - 1 < shape->keys) {
        seen.keys = shape->window + shape->queries - 1;
    }
    double sms = gpu->streaming_multiprocessors, keys = (double)seen.keys;
    double heads = (double)shape->sequences * shape->kv_heads;
    double parts = fmin(fmax(1.0, floor(keys / kernel->part_keys)), kernel->most_parts);
    parts = heads >= kernel->full_share * sms ? 1.0 : fmin(parts, fmax(1.0, floor(sms / heads)));
    if (shape->kv_splits > 0) {
        parts = fmin(shape->kv_splits, keys);
    }
    double waves = ceil(heads * parts / sms);
    double elements = shape->head_size + attention_value_size(shape);
    double key_cycles =
        elements * format_bytes(shape->format) / kernel->sm_bytes_per_clock +
        narrow_cycles(kernel->narrow_cycles, kernel->narrow_growth, shape->head_size);
    double bytes = attention_kv_bytes(&seen) + attention_query_bytes(shape);
    bool in_l2 = shape->warm && bytes < gpu->generation.l2_share * gpu->l2_bytes;
    double rate =
        in_l2 ? gpu->l2_bytes_per_second : gpu->memory_bytes_per_second * kernel->memory_efficiency;
    double ramp = kernel->ramp_seconds > 0.0
                      ? kernel->ramp_seconds * bytes / (bytes + kernel->ramp_bytes)
                      : 0.0;
    double rows = ceil((double)shape->query_heads / shape->kv_heads * (double)shape->queries /
                       gpu->generation.decode_rows) *
                  gpu->generation.decode_rows;
    double key_flops = 2.0 * rows * elements;
    return (struct kernel_work){
        .fixed_seconds = kernel->start_seconds + waves * kernel->tile_seconds + ramp +
                         (parts > 1.0 ? kernel->split_seconds : 0.0) +
                         (is_odd_head(shape) ? kernel->odd_seconds : 0.0),
        .sm_cycles = waves * ceil(keys / parts) * key_cycles,
        .memory_seconds = bytes / rate,
        .flops = attention_useful_flops(&seen),
        .bytes = bytes,
        .core_joules = heads * keys *
                       (key_flops * attention_joules_per_flop(gpu, FORMAT_BF16) +
                        rows * gpu->softmax_joules_per_score),
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}
