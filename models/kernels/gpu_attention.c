/* SPDX-License-Identifier: MIT
 * Attention. Prefill: a block of queries of one head stays on an SM and walks its keys; blocks are
 * handed out in order, so the last and longest ones end alone. Decode: one query a sequence, the
 * keys are read once, cut into parts when there are too few sequences and heads to fill the GPU. */
#include "models/kernels/gpu_attention.h"

#include <assert.h>
#include <math.h>

static enum format compute_format(const struct attention_shape *shape)
{
    return shape->compute == FORMAT_UNSET ? FORMAT_BF16 : shape->compute;
}

/* Values are transposed on their way to fp8's matrix units, and their sums change layout. */
static double efficiency_of(const struct gpu *gpu, enum format compute)
{
    bool narrow = format_bits(compute) < 16.0 && gpu->attention_narrow_efficiency > 0.0;
    return narrow ? gpu->attention_narrow_efficiency : gpu->attention_efficiency;
}

double attention_flops_per_clock(const struct gpu *gpu, enum format compute)
{
    double peak = gpu->dense_flops_per_second[compute];
    assert(peak > 0.0 && "the GPU has no matrix units for this format");
    return peak / (gpu->streaming_multiprocessors * gpu->rated_clock_hertz);
}

/* Joules of a FLOP; where the file has none, as in models/kernels/gpu_gemm.c. */
double attention_joules_per_flop(const struct gpu *gpu, enum format compute)
{
    double joules = gpu->matmul_joules_per_flop[compute];
    return joules > 0.0 ? joules
                        : gpu->matmul_joules_per_flop[FORMAT_BF16] *
                              gpu->dense_flops_per_second[FORMAT_BF16] /
                              gpu->dense_flops_per_second[compute];
}

/* Clocks of an SM's lanes for one key and its value, when they are kept narrower than they are
 * multiplied: they pass through registers on their way to the matrix units. */
static double dequantise_cycles_per_key(const struct gpu *gpu, const struct attention_shape *shape)
{
    if (format_bytes(shape->format) >= format_bytes(compute_format(shape))) {
        return 0.0;
    }
    return (shape->head_size + attention_value_size(shape)) *
           format_dequantise_slots(shape->format) / gpu->lanes;
}

double attention_padded(const struct gpu *gpu, double head_size)
{
    double step = gpu->generation.head_step;
    return ceil(head_size / step) * step;
}

/* Products of a query and a key, elements: scores from the keys, sums of the values. */
static double padded_width(const struct gpu *gpu, const struct attention_shape *shape,
                           double of_keys, double of_values)
{
    return of_keys * attention_padded(gpu, shape->head_size) +
           of_values * attention_padded(gpu, attention_value_size(shape));
}

/* Clocks that a block of `rows` queries takes for one key: products, and the softmax of its scores
 * under them. */
static double cycles_per_key(const struct gpu *gpu, enum format compute, double rows,
                             double key_flops, double efficiency)
{
    return overlapped_seconds(gpu,
                              key_flops / (attention_flops_per_clock(gpu, compute) * efficiency),
                              gpu->softmax_cycles * rows / gpu->generation.attention_queries);
}

static bool empty(const struct attention_shape *shape)
{
    return shape->sequences == 0 || shape->queries == 0 || shape->keys == 0;
}

/* Keys that a window leaves to the queries of a block that begins at any place; whole tiles. */
static double window_keys(const struct gpu *gpu, const struct attention_shape *shape,
                          double block_queries)
{
    double tile = gpu->generation.attention_queries, keys = (double)shape->keys;
    return shape->window > 0 ? fmin(keys, (double)shape->window + block_queries + tile - 2.0)
                             : keys;
}

/* Query-key pairs of one head of one sequence. */
static double pairs(const struct attention_shape *shape)
{
    double queries = (double)shape->queries;
    double keys = (double)shape->keys, window = (double)shape->window;
    if (shape->window > 0 && window < keys) {
        double before = keys - queries; /* positions that the first query sees */
        double growing = fmax(0.0, fmin(queries, window - before));
        return growing * 0.5 * (before + window) + (queries - growing) * window;
    }
    return shape->causal ? queries * (keys - 0.5 * queries) : queries * keys;
}

/* A key and its value of one head. */
static double pair_bytes(const struct attention_shape *shape)
{
    return (shape->head_size + attention_value_size(shape)) * format_bytes(shape->format) +
           2.0 * shape->scale_bytes;
}

double attention_kv_bytes(const struct attention_shape *shape)
{
    double keys = (double)shape->keys;
    if (shape->page_keys > 0) {
        keys = ceil(keys / shape->page_keys) * shape->page_keys;
    }
    return (double)shape->sequences * keys * shape->kv_heads * pair_bytes(shape);
}

double attention_query_bytes(const struct attention_shape *shape) /* queries in, outputs out */
{
    return (double)shape->sequences * (double)shape->queries * shape->query_heads *
           (shape->head_size + attention_value_size(shape)) * format_bytes(FORMAT_BF16);
}

double attention_useful_flops(const struct attention_shape *shape)
{
    return 2.0 * (double)shape->sequences * pairs(shape) * shape->query_heads *
           (shape->head_size + attention_value_size(shape));
}

static void add_blocks(const struct gpu *gpu, struct attention_blocks *sum,
                       const struct attention_shape *shape)
{
    double block = gpu->generation.attention_queries;
    double heads = (double)shape->sequences * shape->query_heads;
    double blocks = ceil((double)shape->queries / block);
    double keys = (double)shape->keys;
    /* Causal block i of b sees the keys up to its last query. */
    double first = shape->causal ? keys - (blocks - 1.0) * block : keys;
    first = fmax(first, fmin(keys, block));
    double mean = 0.5 * (first + keys);
    if (shape->window > 0) {
        keys = window_keys(gpu, shape, block);
        first = fmin(first, keys);
        mean = fmin(mean, keys);
    }
    sum->blocks += heads * blocks;
    sum->keys += heads * blocks * mean;
    sum->longest = fmax(sum->longest, keys);
    sum->shortest = sum->shortest > 0.0 ? fmin(sum->shortest, first) : first;
}

/* Keys and values of one head are shared by the blocks that walk them at the same time. Causal
 * blocks differ in length and drift apart; what the L2 can't hold between them is read again. */
static double reread_bytes(const struct gpu *gpu, const struct attention_shape *shape,
                           double block_keys)
{
    double head_bytes = (double)shape->keys * pair_bytes(shape);
    if (!shape->causal || shape->window > 0 || head_bytes <= gpu->l2_bytes) {
        return 0.0;
    }
    return block_keys * pair_bytes(shape) * (1.0 - gpu->l2_bytes / head_bytes);
}

double attention_makespan_keys(const struct attention_blocks *sum, double sms)
{
    double waves = ceil(sum->blocks / sms) * sum->keys / sum->blocks;
    double in_order = (sum->keys - sum->longest) / sms + sum->longest;
    double spread = 1.0 - sum->shortest / sum->longest;
    return fmax(sum->longest, (1.0 - spread) * waves + spread * fmin(in_order, waves * 2.0));
}

static struct kernel_work prefill_work(const struct gpu *gpu, const struct attention_shape *shapes,
                                       size_t count)
{
    struct kernel_work work = {.fixed_seconds = gpu->attention_seconds};
    double block = gpu->generation.attention_queries;
    struct attention_blocks sum = {0};
    enum format compute = FORMAT_BF16;
    double width = 0.0;      /* elements of products for a query and a key */
    double dequantise = 0.0; /* clocks a key */
    double efficiency = gpu->attention_efficiency, slowdown = 1.0;
    for (size_t i = 0; i < count; i++) {
        const struct attention_shape *shape = &shapes[i];
        if (empty(shape)) {
            continue;
        }
        compute = compute_format(shape);
        efficiency = efficiency_of(gpu, compute);
        dequantise = fmax(dequantise, dequantise_cycles_per_key(gpu, shape));
        double flops = attention_useful_flops(shape);
        if (shape->backward) { /* scores again, then dQ and dK; dP and dV */
            width = fmax(width, padded_width(gpu, shape, 3.0, 2.0));
            flops *= (3.0 * shape->head_size + 2.0 * attention_value_size(shape)) /
                     (shape->head_size + attention_value_size(shape));
            efficiency = gpu->attention_backward_efficiency;
        } else {
            width = fmax(width, padded_width(gpu, shape, 1.0, 1.0));
        }
        bool ragged = shape->masks_ragged && shape->keys % gpu->generation.attention_queries != 0;
        slowdown = ragged ? 1.0 / gpu->attention_ragged_efficiency : slowdown;
        double keys_before = sum.keys;
        add_blocks(gpu, &sum, shape);
        work.bytes += reread_bytes(gpu, shape, sum.keys - keys_before);
        work.flops += flops;
        /* Backward: inputs, output and its gradient in, three gradients out. */
        work.bytes += (attention_kv_bytes(shape) + attention_query_bytes(shape)) *
                      (shape->backward ? 2.0 : 1.0);
    }
    double key_flops = 2.0 * block * width;
    double sms = gpu->streaming_multiprocessors;
    double between = gpu->attention_block_seconds * gpu->boost_clock_hertz;
    work.sm_cycles =
        attention_makespan_keys(&sum, sms) *
            (slowdown * cycles_per_key(gpu, compute, block, key_flops, efficiency) + dequantise) +
        ceil(sum.blocks / sms) * between;
    work.memory_seconds = work.bytes / (gpu->memory_bytes_per_second * gpu->memory_efficiency);
    work.core_joules = sum.keys * (key_flops * attention_joules_per_flop(gpu, compute) +
                                   block * gpu->softmax_joules_per_score);
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

/* Parts that each sequence's keys are cut into, so that there is one for every SM. */
static double decode_parts(const struct gpu *gpu, const struct attention_shape *shape, double heads,
                           double sms)
{
    if (shape->kv_splits > 0) {
        return fmin(shape->kv_splits, (double)shape->keys);
    }
    double keys = (double)shape->keys;
    double most = keys > gpu->generation.decode_whole_keys
                      ? floor(keys / gpu->generation.decode_part_keys)
                      : 1.0;
    return fmin(most, fmax(1.0, floor(sms / heads)));
}

/* What a window leaves of the cache. */
static struct attention_shape within_window(const struct attention_shape *shape)
{
    struct attention_shape seen = *shape;
    uint64_t most = shape->window + shape->queries - 1;
    if (shape->window > 0 && most < shape->keys) {
        seen.keys = most;
        seen.window = 0;
    }
    return seen;
}

static struct kernel_work decode_work(const struct gpu *gpu, const struct attention_shape *shapes,
                                      size_t count)
{
    struct kernel_work work = {.fixed_seconds = gpu->decode_attention_seconds};
    double sms = gpu->streaming_multiprocessors;
    bool split = false;
    for (size_t i = 0; i < count; i++) {
        if (empty(&shapes[i])) {
            continue;
        }
        const struct attention_shape seen = within_window(&shapes[i]), *shape = &seen;
        double group = (double)shape->query_heads / shape->kv_heads * (double)shape->queries;
        double rows = ceil(group / gpu->generation.decode_rows) * gpu->generation.decode_rows;
        double heads = (double)shape->sequences * shape->kv_heads;
        double parts = decode_parts(gpu, shape, heads, sms);
        double key_flops = 2.0 * rows * padded_width(gpu, shape, 1.0, 1.0);
        enum format compute = compute_format(shape);
        double key_cycles =
            cycles_per_key(gpu, compute, rows, key_flops, efficiency_of(gpu, compute)) +
            dequantise_cycles_per_key(gpu, shape);
        split = split || parts > 1.0;
        work.core_joules += heads * (double)shape->keys *
                            (key_flops * attention_joules_per_flop(gpu, compute) +
                             rows * gpu->softmax_joules_per_score);
        work.sm_cycles +=
            ceil(heads * parts / sms) * ceil((double)shape->keys / parts) * key_cycles;
        work.flops += attention_useful_flops(shape);
        work.bytes += attention_kv_bytes(shape) + attention_query_bytes(shape);
    }
    work.memory_seconds = work.bytes / (gpu->memory_bytes_per_second * gpu->decode_efficiency);
    if (split) {
        work.fixed_seconds += gpu->decode_split_seconds + gpu->decode_ramp_seconds * work.bytes /
                                                              (work.bytes + gpu->decode_ramp_bytes);
    }
    work.memory_joules = work.bytes * gpu->memory_joules_per_byte;
    return work;
}

/* A few queries a sequence. A kernel that does not split keys takes as long as for a whole block;
 * one that does takes longer a key, so it is used where blocks are few. */
static struct kernel_work few_work(const struct gpu *gpu, const struct attention_shape *shapes,
                                   size_t count, uint64_t most_queries)
{
    struct kernel_work whole = prefill_work(gpu, shapes, count);
    /* Rows of a block that hold no query are zeros, and switch next to nothing. */
    whole.core_joules *= fmin(1.0, (double)most_queries / gpu->generation.attention_queries);
    struct kernel_work split = whole;
    double head_keys = 0.0;
    for (size_t i = 0; i < count; i++) {
        const struct attention_shape seen = within_window(&shapes[i]);
        head_keys +=
            empty(&seen) ? 0.0 : (double)seen.sequences * seen.query_heads * (double)seen.keys;
    }
    split.fixed_seconds = gpu->few_queries_seconds;
    split.sm_cycles = head_keys / gpu->streaming_multiprocessors * gpu->few_queries_cycles;
    double clock = gpu->boost_clock_hertz;
    return kernel_cost_at(gpu, &split, clock).seconds < kernel_cost_at(gpu, &whole, clock).seconds
               ? split
               : whole;
}

struct kernel_work attention_work(const struct gpu *gpu, const struct attention_shape *shapes,
                                  size_t count)
{
    uint64_t most_queries = 0;
    for (size_t i = 0; i < count; i++) {
        if (!empty(&shapes[i]) && shapes[i].queries > most_queries) {
            most_queries = shapes[i].queries;
        }
    }
    if (most_queries == 0) {
        return (struct kernel_work){0};
    }
    bool few = most_queries <= gpu->generation.decode_queries;
    if (count == 1 && few && library_decode(shapes) != NULL) {
        return library_decode_work(gpu, library_decode(shapes), shapes);
    }
    if (count == 1 && !few && library_prefill(shapes) != NULL) {
        return library_prefill_work(gpu, library_prefill(shapes), shapes);
    }
    if (few && most_queries > 1 && gpu->few_queries_cycles > 0.0) {
        return few_work(gpu, shapes, count, most_queries);
    }
    return few ? decode_work(gpu, shapes, count) : prefill_work(gpu, shapes, count);
}
