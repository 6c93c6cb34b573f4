/* SPDX-License-Identifier: MIT */
#include "models/kernels/hyper_connection.h"

#include "models/kernels/gpu_matmul.h"

#include <math.h>

/* Columns of the product that makes coefficients: of the sum before, of what is added after, and
 * from each stream to each. */
static double coefficients(const struct hyper_shape *shape)
{
    return shape->streams * (shape->streams + 2.0);
}

struct kernel_work hyper_connection_work(const struct gpu *gpu,
                                         const struct kernel_constants *constants,
                                         const struct hyper_shape *shape)
{
    double tokens = (double)shape->tokens;
    double vector = tokens * shape->hidden * format_bytes(FORMAT_BF16);
    double streams = shape->streams * vector;
    /* Both move the streams twice: pre reads them twice, post reads and writes them. */
    double bytes = 2.0 * streams + vector;
    double footprint = shape->post ? bytes : streams + vector;
    bool in_l2 = footprint < gpu->generation.l2_share * gpu->l2_bytes;
    double rate = in_l2 ? gpu->l2_bytes_per_second * constants->l2_efficiency
                        : gpu->memory_bytes_per_second * constants->memory_efficiency;
    bool few = constants->few_tokens > 0.0 && tokens <= constants->few_tokens;
    double block = few ? constants->few_block_seconds : constants->block_seconds;
    struct kernel_work work = {
        .fixed_seconds = few ? constants->few_start_seconds : constants->start_seconds,
        .sm_cycles =
            few ? tokens * block * gpu->boost_clock_hertz
                : ceil(tokens / gpu->streaming_multiprocessors) * block * gpu->boost_clock_hertz,
        .memory_seconds = bytes / rate,
        .flops = 2.0 * tokens * shape->streams * shape->hidden *
                 (shape->post ? shape->streams + 1.0 : coefficients(shape) + 1.0),
        .bytes = bytes,
    };
    work.core_joules = work.bytes * gpu->tile_joules_per_byte;
    work.memory_joules = in_l2 ? 0.0 : bytes * gpu->memory_joules_per_byte;
    return work;
}
