/* SPDX-License-Identifier: MIT */
#include "models/kernels/scan.h"

#include "models/kernels/gpu_matmul.h"

#include <math.h>

enum { CHUNK = 64 }; /* tokens; flash-linear-attention, FlashInfer and FlashKDA alike */
/* Bytes that are read and written of `footprint` bytes in memory. */
static double memory_seconds(const struct gpu *gpu, const struct kernel_constants *constants,
                             double bytes, double footprint, bool warm)
{
    bool in_l2 = warm && footprint < gpu->generation.l2_share * gpu->l2_bytes;
    return bytes / (in_l2 ? gpu->l2_bytes_per_second * constants->l2_efficiency
                          : gpu->memory_bytes_per_second * constants->memory_efficiency);
}

static double state_elements(const struct scan_shape *shape)
{
    return (double)shape->sequences * shape->value_heads * shape->key_size * shape->value_size;
}

/* Queries, keys, values and outputs, in bf16. */
static double token_bytes(const struct scan_shape *shape)
{
    return 2.0 * format_bytes(FORMAT_BF16) *
           (shape->key_heads * (double)shape->key_size +
            shape->value_heads * (double)shape->value_size);
}

/* The state is multiplied with a key, changed by an outer product, multiplied with a query. */
double scan_flops_per_token(const struct scan_shape *shape)
{
    return 6.0 * shape->value_heads * shape->key_size * shape->value_size;
}

/* What kernels of their own hand on within chunks: of a token and value head a row of the chunk's
 * products, keys and values as the chunk sees them, written and read, and of a chunk the state it
 * begins with. */
static double handed_on_bytes(const struct scan_shape *shape, double tokens, double chunks)
{
    double element = format_bytes(FORMAT_BF16);
    double of_token = element * (CHUNK + 2.0 * shape->key_size + 4.0 * shape->value_size);
    double of_chunk = 2.0 * element * shape->key_size * shape->value_size;
    return shape->value_heads * (tokens * of_token + chunks * of_chunk);
}

struct kernel_work scan_work(const struct gpu *gpu, const struct kernel_constants *constants,
                             const struct scan_shape *shape)
{
    double sms = gpu->streaming_multiprocessors;
    double tokens = (double)shape->sequences * (double)shape->tokens;
    double chunks_each = ceil((double)shape->tokens / CHUNK);
    double blocks =
        (double)shape->sequences * shape->value_heads * fmax(1.0, constants->head_splits);
    /* A block passes its head's state from chunk to chunk. */
    double walk =
        ceil(blocks / sms) * (chunks_each * constants->step_seconds + constants->block_seconds) +
        constants->token_seconds * fmin((double)shape->tokens, CHUNK);
    double state_bytes = 2.0 * state_elements(shape) * format_bytes(FORMAT_FP32);
    double bytes = tokens * token_bytes(shape) + state_bytes;
    if (constants->apart) { /* inputs and outputs pass through two kernels each */
        bytes += tokens * token_bytes(shape) +
                 handed_on_bytes(shape, tokens, (double)shape->sequences * chunks_each);
    }
    struct kernel_work work = {
        .fixed_seconds = constants->start_seconds + (constants->apart ? walk : 0.0),
        .sm_cycles = constants->apart ? 0.0 : walk * gpu->boost_clock_hertz,
        .memory_seconds = bytes / (gpu->memory_bytes_per_second * constants->memory_efficiency),
        .flops = tokens * scan_flops_per_token(shape),
        .bytes = bytes,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
    work.core_joules = work.flops * matmul_joules_per_flop(gpu, FORMAT_BF16);
    return work;
}

struct kernel_work state_step_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                   const struct scan_shape *shape)
{
    double element =
        constants->state_bytes > 0.0 ? constants->state_bytes : format_bytes(FORMAT_FP32);
    double footprint = state_elements(shape) * element;
    double bytes = 2.0 * footprint + (double)shape->sequences * token_bytes(shape);
    double flops = (double)shape->sequences * scan_flops_per_token(shape);
    return (struct kernel_work){
        .fixed_seconds = constants->start_seconds,
        .memory_seconds = memory_seconds(gpu, constants, bytes, footprint, shape->warm),
        .flops = flops,
        .bytes = bytes,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}

struct kernel_work convolution_work(const struct gpu *gpu, const struct kernel_constants *constants,
                                    const struct convolution_shape *shape)
{
    double sequences = (double)shape->sequences, channels = (double)shape->channels;
    double tokens = sequences * (double)shape->tokens;
    double element = format_bytes(FORMAT_BF16);
    double kept = sequences * channels * (shape->taps - 1.0) * element;
    double bytes = 2.0 * (tokens * channels * element + kept);
    bool step = shape->tokens == 1;
    /* A block walks a run of tokens of some channels. */
    double walk = constants->token_seconds * fmin((double)shape->tokens, CHUNK) +
                  sequences * channels / gpu->streaming_multiprocessors * constants->block_seconds;
    return (struct kernel_work){
        .fixed_seconds = constants->start_seconds + tokens * constants->row_seconds,
        .sm_cycles = walk * gpu->boost_clock_hertz,
        .memory_seconds =
            memory_seconds(gpu, constants, bytes, step ? kept : bytes, shape->warm || !step),
        .flops = 2.0 * tokens * channels * shape->taps,
        .bytes = bytes,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}
