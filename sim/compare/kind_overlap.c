/* SPDX-License-Identifier: MIT
 * A kernel and a collective in two loops at once. Both alone are predicted too, so that the error
 * of the times together is that of the whole chain. The shorter loop ends first; the rest of the
 * other runs alone. */
#include "models/machine/overlap.h"

#include "models/kernels/gpu_power.h"
#include "sim/compare/calls.h"
#include "sim/compare/shapes.h"

#include <math.h>

static const char *const columns[] = {"kernel",
                                      "m_or_tokens",
                                      "k",
                                      "n",
                                      "collective",
                                      "bytes",
                                      "kernel_alone_us",
                                      "collective_alone_us",
                                      "kernel_together_us",
                                      "collective_together_us",
                                      "repeats_kernel",
                                      "repeats_collective",
                                      NULL};

enum loop_kernel { LOOP_GEMM, LOOP_ATTENTION, LOOP_COPY };

/* The kernel's work, and what overlap needs to know of it but for its time. */
static struct kernel_work kernel_work_of(struct measurement *row, struct overlap_kernel *overlap)
{
    static const struct measurement_choice kernels[] = {
        {"gemm_bf16", LOOP_GEMM},
        {"attention_causal_16q_1kv", LOOP_ATTENTION}, /* n: head size */
        {"copy", LOOP_COPY},                          /* m_or_tokens: bytes read */
        {NULL, 0}};
    const struct gpu *gpu = row->machine.gpu;
    enum loop_kernel kernel = (enum loop_kernel)measurement_choice(row, "kernel", kernels);
    uint64_t m = measurement_count(row, "m_or_tokens", 1, (uint64_t)1 << 40);
    if (kernel == LOOP_COPY) {
        struct memory_shape shape = row_copy(row, 2.0 * (double)m);
        overlap->memory_bound = true;
        return memory_kernel_work(gpu, &shape);
    }
    uint64_t n = measurement_count(row, "n", 1, ROW_MOST);
    if (kernel == LOOP_GEMM) {
        struct gemm_shape shape = {
            .m = m, .n = n, .k = measurement_count(row, "k", 1, ROW_MOST), .format = FORMAT_BF16};
        measurement_extrapolates(row, gemm_extrapolation(gpu, &shape));
        overlap->wave_seconds = 1.0; /* it has waves; how long they are is said with the time */
        return gemm_work(gpu, &shape);
    }
    struct attention_shape shape = {.sequences = 1,
                                    .queries = m,
                                    .keys = m,
                                    .query_heads = 16,
                                    .kv_heads = 1,
                                    .head_size = (uint32_t)n,
                                    .causal = true,
                                    .format = FORMAT_BF16};
    measurement_extrapolates(row, attention_extrapolation(gpu, &shape));
    return attention_work(gpu, &shape, 1);
}

/* Time a call of a loop of `calls` that run beside each other for `together` seconds, then alone.
 */
static double mean_call(double alone, double factor, double calls, double together)
{
    double rest = (calls - together / (alone * factor)) * alone;
    return (together + fmax(rest, 0.0)) / calls;
}

static void predict(struct measurement *row)
{
    const struct gpu *gpu = row->machine.gpu;
    uint32_t ranks =
        measurement_has(row, "ranks") ? (uint32_t)measurement_count(row, "ranks", 2, 1024) : 2;
    struct collective_call call = row_call(row, row_group(row, "ranks", ranks, 1), true);
    struct overlap_kernel kernel = {.seconds = 0.0};
    struct kernel_work work = kernel_work_of(row, &kernel);
    double kernel_calls = measurement_number(row, "repeats_kernel", 1, 1e9);
    double collective_calls = measurement_number(row, "repeats_collective", 1, 1e9);
    if (row->wrong) {
        return;
    }
    struct power_load load = {.works = &work, .work_count = 1};
    double boost = kernel_cost_at(gpu, &work, gpu->boost_clock_hertz).seconds;
    double allowance = power_allowance_watts(gpu, kernel_calls * boost);
    kernel.seconds = power_settle(gpu, &load, allowance).seconds;
    if (kernel.wave_seconds > 0.0) {
        kernel.wave_seconds =
            overlap_gemm_wave_seconds(&row->machine.software->library.overlap,
                                      measurement_count(row, "m_or_tokens", 1, ROW_MOST),
                                      measurement_count(row, "n", 1, ROW_MOST), kernel.seconds,
                                      gpu->streaming_multiprocessors);
    }
    struct overlap_collective collective = {.seconds = 1e-6 * row_call_microseconds(row, &call)};
    struct overlap_factors factors =
        overlap_slowdown(&row->machine.software->library.overlap, gpu->streaming_multiprocessors,
                         &kernel, &collective);
    double together = fmin(kernel_calls * kernel.seconds * factors.kernel,
                           collective_calls * collective.seconds * factors.collective);
    measurement_compare(row, "overlap: kernel alone", "kernel_alone_us", 1e6 * kernel.seconds);
    measurement_compare(row, "overlap: collective alone", "collective_alone_us",
                        1e6 * collective.seconds);
    measurement_compare(row, "overlap: kernel beside a collective", "kernel_together_us",
                        1e6 * mean_call(kernel.seconds, factors.kernel, kernel_calls, together));
    measurement_compare(
        row, "overlap: collective beside a kernel", "collective_together_us",
        1e6 * mean_call(collective.seconds, factors.collective, collective_calls, together));
}

const struct measurement_kind kind_overlap = {
    .name = "overlap",
    .doc = "a kernel and a collective on ranks GPUs (two when the column is missing), at once",
    .columns = columns,
    .cluster = true,
    .software = "pytorch-nccl",
    .predict = predict,
};
